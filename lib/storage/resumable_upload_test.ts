import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TaskError } from "../task/task.ts";
import { MIB, type StorageBench, storageBench } from "../testing/storage_bench.ts";
import type { SeenRequest } from "../testing/storage_server.ts";
import { startTcpProxy } from "../testing/tcp_proxy.ts";
import { PIECE_BYTES } from "./resumable_upload.ts";

const SIZE = 20 * MIB;

const sha256Of = async (file: string) => createHash("sha256").update(await Deno.readFile(file)).digest("hex");
const isPiece = ({ method }: SeenRequest) => method === "PATCH";
const created = ({ server }: StorageBench) =>
  server.requests.filter(({ method, path }) => method === "POST" && path === "/upload/resumable").length;
/** Bytes of the requests that came after the first so many. */
const sentAfter = ({ server }: StorageBench, earlier: number) =>
  server.requests.slice(earlier).reduce((sum, { bytes }) => sum + bytes, 0);
const remembered = async ({ home }: StorageBench) => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(home, "uploads"))) names.push(join(home, "uploads", name));
  return names;
};
const isWhole = async ({ server }: StorageBench, file: string) =>
  assert.equal(await sha256Of(server.objects.get("videos/film.mp4").file), await sha256Of(file));
const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

Deno.test("a large file goes in pieces of 6 MiB, and nothing is remembered when it is done", async () => {
  await using bench = await storageBench();
  const file = await bench.file(SIZE);
  const seen: number[] = [];
  const stored = await bench.upload({ file, onProgress: (sent) => seen.push(sent) });
  assert.deepEqual([stored.bytes, stored.sha256], [SIZE, await sha256Of(file)]);
  await isWhole(bench, file);
  const pieces = bench.server.requests.filter(isPiece).map(({ bytes }) => bytes);
  assert.deepEqual(pieces, [PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 2 * MIB]);
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  assert.deepEqual([seen[0], seen.at(-1)], [0, SIZE]);
  assert.deepEqual(await remembered(bench), []);
});

Deno.test("the key goes to the configured server alone, wherever it says that the upload is", async () => {
  await using bench = await storageBench();
  bench.server.intercept = (request) => isPiece(request) ? new Response("no", { status: 400 }) : undefined;
  await fails(bench.upload({ file: await bench.file(2 * MIB) }), /answered 400: no/, false);
  const [entry] = await remembered(bench);
  assert.ok(
    JSON.parse(await Deno.readTextFile(entry)).url.startsWith(`${bench.server.url}/storage/v1/upload/`),
  );
  assert.equal((await Deno.stat(entry)).mode! & 0o777, 0o600);
  assert.equal((await Deno.stat(join(bench.home, "uploads"))).mode! & 0o777, 0o700);
});

Deno.test("after a broken connection it goes on, and what has arrived is not sent again", async () => {
  await using bench = await storageBench();
  const { server, clock } = bench;
  await using proxy = startTcpProxy(server.port);
  const file = await bench.file(SIZE);
  let cuts = 0;
  server.onReceived = (total) => {
    if (total > 8 * MIB * (cuts + 1) && cuts < 2) {
      cuts++;
      proxy.cut();
    }
  };
  await bench.upload({ file }, { supabaseUrl: `http://127.0.0.1:${proxy.port}` });
  await isWhole(bench, file);
  assert.deepEqual([cuts, clock.slept.length, created(bench)], [2, 2, 1]);
  assert.ok(server.received() < SIZE + 2 * MIB, `${server.received()} bytes for ${SIZE}`);
});

Deno.test("a killed worker's upload is gone on with by the next one, and what has arrived is not sent again", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  const file = await bench.file(SIZE);
  const upload = { file, bucket: "videos", path: "film.mp4", contentType: "video/mp4" };
  // A copy: programs that a test starts must not write into the project's own.
  const lock = join(bench.folder, "deno.lock");
  await Deno.copyFile(fileURLToPath(import.meta.resolve("../../deno.lock")), lock);
  const program = fileURLToPath(import.meta.resolve("../testing/upload_process.ts"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-prompt", `--lock=${lock}`, program],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  server.onReceived = (total) => {
    if (total > 2 * PIECE_BYTES) child.kill("SIGKILL");
  };
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify({ settings: bench.settings, upload })));
  await writer.close();
  assert.equal((await child.status).signal, "SIGKILL");
  assert.equal((await remembered(bench)).length, 1);

  server.onReceived = undefined;
  const earlier = server.requests.length;
  const progress: number[] = [];
  await bench.upload({ file, onProgress: (sent) => progress.push(sent) });
  await isWhole(bench, file);
  assert.equal(created(bench), 1);
  assert.ok(progress[0] >= 2 * PIECE_BYTES, `it began at ${progress[0]}`);
  const again = sentAfter(bench, earlier);
  assert.ok(again <= SIZE - 2 * PIECE_BYTES, `${again} bytes were sent again`);
  assert.deepEqual(await remembered(bench), []);
});

Deno.test("an aborted upload is gone on with as well", async () => {
  await using bench = await storageBench();
  const file = await bench.file(SIZE);
  const stop = new AbortController();
  bench.server.onReceived = (total) => total > 2 * PIECE_BYTES && stop.abort(new Error("the worker stops"));
  await assert.rejects(bench.upload({ file, signal: stop.signal }), /the worker stops/);
  const earlier = bench.server.requests.length;
  await bench.upload({ file });
  await isWhole(bench, file);
  assert.ok(sentAfter(bench, earlier) <= SIZE - 2 * PIECE_BYTES);
});

Deno.test("trouble of the server never makes it start again", async () => {
  await using bench = await storageBench();
  const { server, clock } = bench;
  const file = await bench.file(SIZE);
  const troubles = [503, 429, 423, 409];
  server.intercept = (request) => {
    if (isPiece(request) && server.requests.filter(isPiece).length === 2) {
      return new Response(null, { status: 502, headers: { "retry-after": "3" } });
    }
    const status = request.method === "HEAD" ? troubles.shift() : undefined;
    return status && new Response(null, { status }) || undefined;
  };
  await bench.upload({ file });
  await isWhole(bench, file);
  assert.deepEqual([clock.slept.length, clock.slept[0], created(bench)], [5, 3_000, 1]);
  assert.equal(server.received(), SIZE + PIECE_BYTES);
});

Deno.test("an upload that the server does not know any more starts again", async () => {
  for (const how of ["unknown", "gone"] as const) {
    await using bench = await storageBench();
    const { server } = bench;
    const file = await bench.file(SIZE);
    server.intercept = (request) => isPiece(request) ? new Response(null, { status: 403 }) : undefined;
    await fails(bench.upload({ file }), /answered 403 \(check SUPABASE_SECRET_KEY\)/, false);
    server.intercept = undefined;
    await server.loseUploads(how);
    await bench.upload({ file });
    await isWhole(bench, file);
    assert.equal(created(bench), 2, how);
  }
});

Deno.test("a server that loses every upload is given up on", async () => {
  await using bench = await storageBench();
  bench.server.intercept = (request) => isPiece(request) ? new Response(null, { status: 404 }) : undefined;
  await fails(bench.upload({ file: await bench.file(2 * MIB) }), /answered 404/, true);
  assert.ok(created(bench) <= 8, `${created(bench)} uploads were created`);
});

Deno.test("when the last answer is lost, nothing is sent twice", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  const file = await bench.file(SIZE);
  let lost = 0;
  server.replace = (request) =>
    isPiece(request) && server.received() === SIZE && lost++ === 0
      ? new Response(null, { status: 504 })
      : undefined;
  await bench.upload({ file });
  await isWhole(bench, file);
  assert.deepEqual([lost, server.received()], [1, SIZE]);
});

Deno.test("a server that finishes an upload without storing it is sent everything again by the next attempt", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  const file = await bench.file(2 * MIB);
  const gone = Response.json({ statusCode: "404", code: "NoSuchKey", message: "Object not found" }, {
    status: 400,
  });
  server.intercept = ({ path }) => path.startsWith("/object/info") ? gone : undefined;
  await fails(bench.upload({ file }), /does not have it/, true);
  server.intercept = undefined;
  await bench.upload({ file });
  assert.equal(created(bench), 2);
});

Deno.test("when it gives up, the next attempt goes on", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  const file = await bench.file(SIZE);
  server.intercept = (request) =>
    isPiece(request) && server.requests.filter(isPiece).length > 2
      ? new Response(null, { status: 500 })
      : undefined;
  await fails(bench.upload({ file }), /Storage answered 500/, true);
  server.intercept = undefined;
  const earlier = server.requests.length;
  await bench.upload({ file });
  await isWhole(bench, file);
  assert.equal(sentAfter(bench, earlier), SIZE - 2 * PIECE_BYTES);
});

Deno.test("another file of the same name is not put on top of an unfinished one", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  server.intercept = (request) =>
    isPiece(request) && server.requests.filter(isPiece).length > 1
      ? new Response(null, { status: 400 })
      : undefined;
  await fails(bench.upload({ file: await bench.file(SIZE, 1) }), /answered 400/, false);
  server.intercept = undefined;
  const other = await bench.file(SIZE, 2);
  await bench.upload({ file: other });
  await isWhole(bench, other);
});

Deno.test("a file that changes while it is sent is not stored", async () => {
  await using bench = await storageBench();
  const { server } = bench;
  const file = await bench.file(SIZE);
  let done = false;
  server.onReceived = () => {
    if (done) return;
    done = true;
    Deno.truncateSync(file, PIECE_BYTES + 5);
  };
  await fails(bench.upload({ file }), /became shorter|changed while/, false);
  assert.equal(server.objects.objects.size, 0);
});

Deno.test("an answer that is not of the tus protocol is told", async () => {
  await using bench = await storageBench();
  bench.server.intercept = ({ path }) => path === "/upload/resumable" ? new Response("hello") : undefined;
  await fails(
    bench.upload({ file: await bench.file(2 * MIB) }),
    /not of the tus protocol \(is SUPABASE_URL right\?\)/,
    true,
  );
});
