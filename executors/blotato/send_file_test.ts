import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import { multipart, sendFile } from "./send_file.ts";

const never = new AbortController().signal;

/** Runs `use` with a server and a file of `size` bytes. */
async function withServer(
  size: number,
  handler: (request: Request) => Response | Promise<Response>,
  use: (
    send: (more?: Partial<Parameters<typeof sendFile>[0]>) => ReturnType<typeof sendFile>,
  ) => Promise<void>,
): Promise<void> {
  await using folder = await tempDir();
  const file = join(folder.path, "film.mp4");
  await Deno.writeFile(file, new Uint8Array(size).fill(7));
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}/to?signature=s`;
  try {
    await use((more) =>
      sendFile({
        url,
        method: "PUT",
        headers: { "x-a": "b" },
        file,
        signal: never,
        timeoutMs: 10_000,
        ...more,
      })
    );
  } finally {
    await server.shutdown();
  }
}

Deno.test("the file arrives whole, with its length told beforehand", async () => {
  const handler = async (request: Request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const { headers, method } = request;
    const told = [
      method,
      headers.get("content-length"),
      headers.get("transfer-encoding"),
      headers.get("x-a"),
    ];
    return Response.json([...told, bytes.length, bytes.every((byte) => byte === 7)]);
  };
  await withServer(700_000, handler, async (send) => {
    const progress: number[] = [];
    const { status, text } = await send({ onProgress: (sent, total) => progress.push(sent / total) });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), ["PUT", "700000", null, "b", 700_000, true]);
    assert.equal(progress.at(-1), 1);
  });
  await withServer(0, handler, async (send) => {
    assert.deepEqual(JSON.parse((await send()).text), ["PUT", "0", null, "b", 0, true]);
  });
});

Deno.test("a form holds the fields and the file, whose name cannot break out of its quotes", async () => {
  const handler = async (request: Request) => {
    const form = await request.formData();
    const file = form.get("file") as File;
    return Response.json([form.get("a"), file.name, file.type, file.size]);
  };
  await withServer(300_000, handler, async (send) => {
    const kind = { field: "file", name: 'a "b".mp4', type: "video/mp4" };
    const { before, after, contentType } = multipart({ a: "1 é" }, kind);
    const { text } = await send({ method: "POST", headers: { "content-type": contentType }, before, after });
    assert.deepEqual(JSON.parse(text), ["1 é", "a %22b%22.mp4", "video/mp4", 300_000]);
  });
});

Deno.test("a refusal that comes before the whole file was read is the answer", async () => {
  await withServer(5_000_000, () => new Response("too large", { status: 413 }), async (send) => {
    assert.deepEqual(await send(), { status: 413, text: "too large" });
  });
});

Deno.test("the time limit and a stop end the transfer", async () => {
  const silent = Promise.withResolvers<Response>();
  let asked = Promise.withResolvers<void>();
  const handler = () => {
    asked.resolve();
    return silent.promise;
  };
  await withServer(1_000, handler, async (send) => {
    await assert.rejects(send({ timeoutMs: 100 }), /no answer within 0.1 s/);
    asked = Promise.withResolvers();
    const stop = new AbortController();
    const running = send({ signal: stop.signal });
    await asked.promise; // a connection that is still being made cannot be called off
    stop.abort(new Error("cancelled"));
    await assert.rejects(running, /cancelled/);
    silent.resolve(new Response());
  });
});

Deno.test("a server that is not there is an error, and so is a missing file", async () => {
  let url = "";
  await withServer(10, (request) => new Response(url = request.url), async (send) => {
    url = (await send()).text;
    await assert.rejects(send({ file: "/nowhere/film.mp4" }), Deno.errors.NotFound);
  });
  await withServer(10, () => new Response(), (send) => assert.rejects(send({ url }), /refused/));
});
