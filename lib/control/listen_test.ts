import assert from "node:assert/strict";
import { serveUntil } from "./listen.ts";

const options = { name: "The server", hostname: "127.0.0.1", port: 0, setting: "SOME_PORT" };

Deno.test("a server answers until it is stopped, and open connections do not keep it", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const served = serveUntil(stop.signal, {
    ...options,
    answer: () => new Response("hello"),
    onListen: listening.resolve,
  });
  const port = await listening.promise;
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
  using idle = await Deno.connect({ hostname: "127.0.0.1", port });
  using halfway = await Deno.connect({ hostname: "127.0.0.1", port });
  await halfway.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHo"));
  stop.abort();
  await served;
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }));
  assert.equal(await idle.read(new Uint8Array(1)), null);
});

Deno.test("a request that never ends is cut off a second after the stop", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Response>();
  const served = serveUntil(stop.signal, {
    ...options,
    answer() {
      asked.resolve();
      return ended.promise;
    },
    onListen: listening.resolve,
  });
  const cut = assert.rejects(fetch(`http://127.0.0.1:${await listening.promise}/`));
  await asked.promise;
  const begun = performance.now();
  stop.abort();
  await Promise.all([served, cut]);
  ended.resolve(new Response("late"));
  const took = performance.now() - begun;
  assert.ok(took > 800 && took < 3000, `took ${took} ms`);
});

Deno.test("a request in progress is answered before the server goes", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const served = serveUntil(stop.signal, {
    ...options,
    answer() {
      asked.resolve();
      return answer.promise;
    },
    onListen: listening.resolve,
  });
  const response = fetch(`http://127.0.0.1:${await listening.promise}/`);
  await asked.promise;
  stop.abort();
  answer.resolve(new Response("done"));
  assert.equal(await (await response).text(), "done");
  await served;
});

Deno.test("a port in use is told with its setting and the fix", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await assert.rejects(serveUntil(AbortSignal.any([]), { ...options, port, answer: () => new Response() }), {
    message: `Cannot listen on 127.0.0.1:${port}: another program uses the port. ` +
      "Stop that program or choose another port with SOME_PORT (0 takes a free one).",
  });
});

Deno.test("a server that is stopped before it starts does not listen", async () => {
  await serveUntil(AbortSignal.abort(), { ...options, answer: () => new Response() });
});
