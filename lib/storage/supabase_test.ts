import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { download } from "../net/download.ts";
import { TaskError } from "../task/task.ts";
import { MIB, storageBench } from "../testing/storage_bench.ts";
import { startTcpProxy } from "../testing/tcp_proxy.ts";
import { openStorage } from "./supabase.ts";

const sha256Of = async (file: string) => createHash("sha256").update(await Deno.readFile(file)).digest("hex");
const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n|sb_secret_/);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

Deno.test("without Supabase there is no storage", async () => {
  await using bench = await storageBench();
  assert.equal(openStorage({ ...bench.settings, supabaseUrl: undefined }), undefined);
  assert.equal(openStorage({ ...bench.settings, supabaseKey: undefined }), undefined);
});

Deno.test("a small file goes in one request and is named by its public address", async () => {
  await using bench = await storageBench();
  const file = await bench.file(300_000);
  const sha256 = await sha256Of(file);
  const seen: [number, number][] = [];
  const stored = await bench.upload({
    file,
    path: "2026/my film (1).mp4",
    onProgress: (...progress) => seen.push(progress),
  });
  assert.deepEqual(stored, {
    url: `${bench.server.url}/storage/v1/object/public/videos/2026/my%20film%20(1).mp4`,
    bucket: "videos",
    path: "2026/my film (1).mp4",
    bytes: 300_000,
    sha256,
  });
  const response = await fetch(stored.url);
  assert.equal(response.headers.get("content-type"), "video/mp4");
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), await Deno.readFile(file));
  assert.deepEqual(seen.at(-1), [300_000, 300_000]);
  const uploads = bench.server.requests.filter(({ bytes }) => bytes > 0);
  assert.deepEqual(uploads.map(({ method, bytes }) => [method, bytes]), [["POST", 300_000]]);
});

Deno.test("type, cache time and checksum are recorded, small and large alike", async () => {
  await using bench = await storageBench();
  for (const [path, bytes] of [["small.mp4", 10], ["large.mp4", 2 * MIB]] as const) {
    const { sha256 } = await bench.upload({ file: await bench.file(bytes), path });
    const { contentType, cacheControl, metadata } = bench.server.objects.get(`videos/${path}`);
    assert.deepEqual([contentType, cacheControl, metadata], ["video/mp4", "max-age=3600", { sha256 }]);
  }
});

Deno.test("an empty file is stored", async () => {
  await using bench = await storageBench();
  assert.equal((await bench.upload({ file: await bench.file(0) })).bytes, 0);
});

Deno.test("storing under the same name replaces what was there, small and large alike", async () => {
  await using bench = await storageBench();
  for (const bytes of [1_000, 2 * MIB, 2_000, 3 * MIB]) {
    await bench.upload({ file: await bench.file(bytes) });
    assert.equal(bench.server.objects.get("videos/film.mp4").bytes, bytes);
  }
});

Deno.test("a signed address opens a file in a private bucket for as long as configured", async () => {
  await using bench = await storageBench();
  const file = await bench.file(1_000);
  const upload = { file, bucket: "private", path: "a b/c.bin", contentType: "application/octet-stream" };
  const { url } = await bench.upload(upload, { storageUrls: "signed" });
  assert.match(url, /^http:.*\/storage\/v1\/object\/sign\/private\/a%20b\/c\.bin\?token=/);
  const response = await fetch(url);
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), await Deno.readFile(file));
  const asked = bench.server.requests.find(({ method, path }) =>
    method === "POST" && path.includes("/sign/")
  );
  assert.ok(asked);
  const expired = await bench.upload(upload, { storageUrls: "signed", storageSignedSeconds: -1 });
  const refused = await fetch(expired.url);
  assert.deepEqual([refused.status, (await refused.json()).code], [400, "InvalidJWT"]);
});

Deno.test("what was stored comes back whole by its signed address, over a connection that breaks", async () => {
  await using bench = await storageBench();
  await using proxy = startTcpProxy(bench.server.port);
  const stored = await bench.upload(
    { file: await bench.file(32 * MIB), bucket: "private", path: "film.mp4" },
    { storageUrls: "signed", supabaseUrl: `http://127.0.0.1:${proxy.port}` },
  );
  let cuts = 0;
  const { bytes } = await download({
    url: stored.url,
    file: join(bench.folder, "back"),
    maxBytes: 40 * MIB,
    timeoutMs: 20_000,
    allowPrivate: true,
    expectedTypes: ["video/*"],
    sha256: stored.sha256,
    signal: new AbortController().signal,
    clock: bench.clock,
    onProgress(received) {
      if (received < 4 * MIB * (cuts + 1) || cuts === 2) return;
      cuts++;
      // Far from the end: what lies in buffers already, up to 6 MiB, arrives all the same.
      proxy.cut();
    },
  });
  assert.deepEqual([bytes, cuts], [32 * MIB, 2]);
  const ranges = bench.server.requests.flatMap(({ headers }) => headers.get("range") ?? []);
  assert.equal(ranges.length, 2);
});

Deno.test("a public address is not given for a private bucket, and nothing is sent", async () => {
  await using bench = await storageBench();
  const file = await bench.file(1_000);
  await fails(
    bench.upload({ file, bucket: "private" }),
    /Cannot store private\/film\.mp4: its bucket "private" is not public.*STORAGE_URLS=signed/,
    false,
  );
  assert.equal(bench.server.received(), 0);
});

Deno.test("a missing bucket is named, with what to do, small and large alike", async () => {
  await using bench = await storageBench();
  for (const bytes of [10, 2 * MIB]) {
    for (const storageUrls of ["public", "signed"] as const) {
      const upload = { file: await bench.file(bytes), bucket: "nowhere" };
      await fails(
        bench.upload(upload, { storageUrls }),
        /no bucket "nowhere" \(create it in the Supabase dashboard/,
        false,
      );
    }
  }
});

Deno.test("a refused key is named by its setting, and is shown nowhere", async () => {
  await using bench = await storageBench();
  const file = await bench.file(10);
  for (const storageUrls of ["public", "signed"] as const) {
    await fails(
      bench.upload({ file }, { supabaseKey: "sb_secret_wrong", storageUrls }),
      /Storage answered 401: Invalid API key \(check SUPABASE_SECRET_KEY\)/,
      false,
    );
  }
});

Deno.test("too large a file and a refused type are final, small and large alike", async () => {
  await using bench = await storageBench({ tiny: { public: true, maxBytes: 5, types: ["video/*"] } });
  for (const bytes of [10, 2 * MIB]) {
    const upload = { file: await bench.file(bytes), bucket: "tiny" };
    await fails(bench.upload(upload), /answered 413: .*larger than allowed/i, false);
    await fails(
      bench.upload({ ...upload, contentType: "text/plain" }),
      /answered 415: .*"tiny" does not take text\/plain/,
      false,
    );
  }
});

Deno.test("names that lead elsewhere or that Storage does not take are refused before anything is sent", async () => {
  await using bench = await storageBench();
  const file = await bench.file(10);
  for (const path of ["../x", "a/../../x", "/x", "a//b", "", "a/", ".", "ü.mp4", "a\nb", "x".repeat(2_000)]) {
    await fails(bench.upload({ file, path }), /object name .* cannot be used/, false);
  }
  for (const bucket of ["", "..", "a/b", "a\0"]) {
    await fails(bench.upload({ file, bucket }), /bucket name .* cannot be used/, false);
  }
  await fails(bench.upload({ file, contentType: "video" }), /"video" is no media type/, false);
  assert.equal(bench.server.requests.length, 0);
});

Deno.test("what is no readable file is told", async () => {
  await using bench = await storageBench();
  await fails(bench.upload({ file: bench.folder }), /is no regular file/, false);
  await fails(bench.upload({ file: `${bench.folder}/none` }), /the file cannot be read/, false);
});

Deno.test("a busy server is waited for as long as it asks, then longer each time, and not for ever", async () => {
  await using bench = await storageBench();
  const { server, clock } = bench;
  const file = await bench.file(1_000);
  let refusals = 2;
  server.intercept = ({ path }) =>
    path === "/object/videos/film.mp4" && refusals-- > 0
      ? new Response("busy", { status: 429, headers: { "retry-after": "9" } })
      : undefined;
  await bench.upload({ file });
  assert.deepEqual(clock.slept, [9_000, 9_000]);

  server.intercept = ({ path }) =>
    path === "/object/videos/film.mp4" ? new Response("<html>", { status: 503 }) : undefined;
  await fails(bench.upload({ file }), /Storage answered 503$/, true);
  assert.equal(clock.slept.length, 2 + 5);
  assert.ok(clock.slept.at(-1)! > clock.slept.at(-5)! * 4);

  server.intercept = () => new Response(null, { status: 503, headers: { "retry-after": "3600" } });
  await fails(bench.upload({ file }), /answered 503/, true);
  assert.equal(clock.slept.length, 2 + 5);
});

Deno.test("a refusal in the middle of the file is understood", async () => {
  await using bench = await storageBench();
  bench.server.early = true;
  bench.server.intercept = ({ method }) =>
    method === "POST"
      ? Response.json({ statusCode: "413", error: "Payload too large", message: "too large" }, {
        status: 400,
      })
      : undefined;
  await fails(
    bench.upload({ file: await bench.file(8 * MIB) }, { storageResumableBytes: 9 * MIB }),
    /413/,
    false,
  );
});

Deno.test("what comes from something else than Storage is told", async () => {
  await using bench = await storageBench();
  const file = await bench.file(10);
  bench.server.intercept = () =>
    new Response(null, { status: 307, headers: { location: "http://127.0.0.1:9/" } });
  await fails(bench.upload({ file }), /answered 307 \(is SUPABASE_URL right\?\)/, false);
  bench.server.intercept = () => new Response(null, { status: 404 });
  await fails(bench.upload({ file }), /answered 404 \(is SUPABASE_URL right\?\)/, true);
  bench.server.intercept = () => new Response("<html>hello</html>");
  await fails(bench.upload({ file }), /not its own \(is SUPABASE_URL right\?\)/, true);
});

Deno.test("nobody listening is retried, and told without the address", async () => {
  await using bench = await storageBench();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const supabaseUrl = `http://127.0.0.1:${listener.addr.port}`;
  await fails(
    bench.upload({ file: await bench.file(10) }, { supabaseUrl }),
    /^Cannot store videos\/film\.mp4: Supabase Storage cannot be reached: (?!.*http).*refused/,
    true,
  );
  assert.equal(bench.clock.slept.length, 5);
});

Deno.test("what is stored is checked: its size, its checksum, and that it is there", async () => {
  await using bench = await storageBench();
  const file = await bench.file(10);
  const infos: [Response, RegExp][] = [
    [Response.json({ size: 9 }), /has 9 bytes in place of its 10 bytes/],
    [Response.json({ size: 10, metadata: { sha256: "other" } }), /has another file/],
    [
      Response.json({ statusCode: "404", error: "not_found", message: "Object not found" }, { status: 400 }),
      /does not have it/,
    ],
  ];
  for (const [info, message] of infos) {
    bench.server.intercept = ({ path }) => path.startsWith("/object/info/") ? info : undefined;
    await fails(bench.upload({ file }), message, true);
  }
  bench.server.intercept = ({ path }) =>
    path.startsWith("/object/info/") ? Response.json({ size: 10 }) : undefined;
  await bench.upload({ file });
});

Deno.test("an abort ends an upload at once with the signal's reason, also while it waits", async () => {
  await using bench = await storageBench();
  const file = await bench.file(1_000);
  const stop = new AbortController();
  bench.server.intercept = ({ path }) => {
    if (!path.startsWith("/object/videos")) return undefined;
    stop.abort(new Error("cancelled by a person"));
    return new Response(null, { status: 503 });
  };
  await assert.rejects(bench.upload({ file, signal: stop.signal }), /cancelled by a person/);
  await assert.rejects(bench.upload({ file, signal: stop.signal }), /cancelled by a person/);
});
