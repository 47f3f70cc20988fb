import assert from "node:assert/strict";
import { StorageFault } from "./fault.ts";
import { ask, storageServer } from "./server.ts";

const signal = new AbortController().signal;

/** Runs `use` with a server that answers so, and the requests it has seen. */
async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  use: (server: ReturnType<typeof storageServer>, seen: { url: string; headers: Headers }[]) => Promise<void>,
): Promise<void> {
  const seen: { url: string; headers: Headers }[] = [];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    seen.push({ url: request.url, headers: new Headers(request.headers) });
    return answer(request);
  });
  try {
    await use(storageServer(`http://127.0.0.1:${http.addr.port}//`, "sb_secret_1"), seen);
  } finally {
    await http.shutdown();
  }
}

Deno.test("the key goes along both ways, below /storage/v1 of the project's address", async () => {
  await withServer(() => new Response("fine"), async (server, seen) => {
    const answer = await ask(server, {
      method: "GET",
      path: "/bucket/x",
      headers: { "x-upsert": "true" },
      signal,
    });
    assert.deepEqual([answer.status, answer.text], [200, "fine"]);
    const [{ url, headers }] = seen;
    assert.equal(new URL(url).pathname, "/storage/v1/bucket/x");
    assert.deepEqual(
      ["apikey", "authorization", "x-upsert"].map((name) => headers.get(name)),
      ["sb_secret_1", "Bearer sb_secret_1", "true"],
    );
  });
});

Deno.test("a redirect is an answer: the key does not follow it", async () => {
  const redirect = () => new Response(null, { status: 302, headers: { location: "/elsewhere" } });
  await withServer(redirect, async (server, seen) => {
    assert.equal((await ask(server, { method: "GET", path: "/x", signal })).status, 302);
    assert.equal(seen.length, 1);
  });
});

Deno.test("an answer is read in part when it is long, and without the key when it stands there", async () => {
  await withServer(() => new Response(`bad key sb_secret_1 ${"x".repeat(1_000_000)}`), async (server) => {
    const { text } = await ask(server, { method: "GET", path: "/x", signal });
    assert.ok(text.startsWith("bad key *** xxx") && text.length <= 64 * 1024);
  });
});

Deno.test("a server that is silent for too long counts as unreachable", async () => {
  const silence = Promise.withResolvers<Response>();
  await withServer(() => silence.promise, async (server) => {
    await assert.rejects(
      ask(server, { method: "GET", path: "/x", signal, idleMs: 30 }),
      (error) =>
        error instanceof StorageFault && error.retry && /nothing moved for 0.03 s/.test(error.message),
    );
    silence.resolve(new Response());
  });
});

Deno.test("a body that keeps moving is given its time", async () => {
  await withServer(async (request) => new Response(await request.text()), async (server) => {
    const letters = ["a", "b", "c", "d", "e"];
    const body = (moved: () => void) =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 300));
          moved();
          const letter = letters.shift();
          if (letter) controller.enqueue(new TextEncoder().encode(letter));
          else controller.close();
        },
      }, { highWaterMark: 0 });
    const { text } = await ask(server, { method: "POST", path: "/x", body, signal, idleMs: 1000 });
    assert.equal(text, "abcde");
  });
});
