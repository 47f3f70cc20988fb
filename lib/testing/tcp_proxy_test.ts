import assert from "node:assert/strict";
import { startTcpProxy } from "./tcp_proxy.ts";

/** A server that sends back what it gets. */
function echoServer(): AsyncDisposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const open: Promise<void>[] = [];
    for await (const conn of listener) open.push(conn.readable.pipeTo(conn.writable).catch(() => {}));
    await Promise.all(open);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

const connect = (port: number) => Deno.connect({ hostname: "127.0.0.1", port });
const say = (conn: Deno.Conn, text: string) => conn.write(new TextEncoder().encode(text));

async function hear(conn: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(1024);
  const size = await conn.read(buffer);
  return size === null ? null : new TextDecoder().decode(buffer.subarray(0, size));
}

Deno.test("bytes pass both ways, and the end of one side reaches the other", async () => {
  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  await say(client, "hello");
  assert.equal(await hear(client), "hello");
  await client.closeWrite();
  assert.equal(await hear(client), null);
});

Deno.test("a cut ends open connections, new ones work", async () => {
  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  await say(client, "a");
  await hear(client);
  proxy.cut();
  assert.equal(await hear(client).catch(() => null), null);
  using again = await connect(proxy.port);
  await say(again, "b");
  assert.equal(await hear(again), "b");
});

Deno.test("a frozen proxy holds bytes back until it thaws", async () => {
  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  proxy.freeze();
  await say(client, "late");
  let heard = false;
  const answer = hear(client).then((text) => {
    heard = true;
    return text;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(heard, false);
  proxy.thaw();
  assert.equal(await answer, "late");
});

Deno.test("a delay holds each way back", async () => {
  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  proxy.delay(40);
  const start = performance.now();
  await say(client, "x");
  await hear(client);
  assert.ok(performance.now() - start >= 75);
});

Deno.test("new connections are refused on demand while open ones stay", async () => {
  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  await say(client, "a");
  await hear(client);
  await proxy.accept(false);
  await assert.rejects(connect(proxy.port), Deno.errors.ConnectionRefused);
  await say(client, "b");
  assert.equal(await hear(client), "b");
  await proxy.accept(true);
  using again = await connect(proxy.port);
  await say(again, "c");
  assert.equal(await hear(again), "c");
});

Deno.test("a proxy to nothing closes its connections, and a frozen, delayed one can be disposed of", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  free.close();
  await using nothing = startTcpProxy(free.addr.port);
  using lost = await connect(nothing.port);
  assert.equal(await hear(lost).catch(() => null), null);

  await using server = echoServer();
  await using proxy = startTcpProxy(server.port);
  using client = await connect(proxy.port);
  await say(client, "a");
  await hear(client);
  proxy.delay(60_000);
  proxy.freeze();
  await say(client, "never");
});
