import assert from "node:assert/strict";
import { scriptedServer } from "../testing/scripted_server.ts";
import { type PostOptions, postUrl, PrivateAddressError } from "./post_url.ts";

const BODY = new TextEncoder().encode('{"a":"é"}');

function post(url: string, more: Partial<PostOptions> = {}) {
  return postUrl({
    url: new URL(url),
    body: BODY,
    headers: { "content-type": "application/json", "x-one": "1" },
    allowPrivate: true,
    signal: new AbortController().signal,
    ...more,
  });
}

Deno.test("a body arrives whole with its headers, and the answer's status and headers come back", async () => {
  await using server = scriptedServer(() =>
    new Response("thanks", { status: 202, headers: { "X-Two": "2" } })
  );
  const { status, headers } = await post(`${server.url}/in?b=c`);
  assert.deepEqual([status, headers.get("x-two")], [202, "2"]);
  const [{ method, path, headers: sent, body }] = server.asked;
  assert.deepEqual([method, path, body], ["POST", "/in?b=c", { a: "é" }]);
  assert.deepEqual([sent.get("x-one"), sent.get("content-length")], ["1", `${BODY.length}`]);
});

Deno.test("a large body arrives whole", async () => {
  await using server = scriptedServer(() => new Response());
  await post(server.url, { body: new TextEncoder().encode("x".repeat(3_000_000)) });
  assert.equal((server.asked[0]!.body as string).length, 3_000_000);
});

Deno.test("a redirect is an answer, and not followed", async () => {
  await using server = scriptedServer(() =>
    new Response(null, { status: 307, headers: { location: "/there" } })
  );
  assert.equal((await post(server.url)).status, 307);
  assert.equal(server.asked.length, 1);
});

Deno.test("a private address is refused before anything is sent, in the URL and behind a name", async () => {
  await using server = scriptedServer(() => new Response());
  const refused = (url: string, more: Partial<PostOptions> = {}) =>
    assert.rejects(post(url, { allowPrivate: false, ...more }), PrivateAddressError);
  await refused(server.url);
  await refused("http://[::1]:1/");
  await refused("https://rebound.example/", { resolve: () => Promise.resolve(["10.0.0.7", "fd00::1"]) });
  assert.equal(server.asked.length, 0);
});

Deno.test("the address that was checked is the one that is connected to: the name is resolved once", async () => {
  await using server = scriptedServer(() => new Response());
  const { port } = new URL(server.url);
  let asked = 0;
  const resolve = () => Promise.resolve(asked++ === 0 ? ["127.0.0.1"] : ["192.0.2.1"]);
  await post(`http://hook.example:${port}/`, { resolve });
  assert.equal(server.asked[0]!.headers.get("host"), `hook.example:${port}`);
  assert.equal(asked, 1);
});

Deno.test("a server that never answers is left when the signal aborts", async () => {
  await using server = scriptedServer((_asked, _nth, stop) =>
    new Promise((resolve) => stop.addEventListener("abort", () => resolve(new Response())))
  );
  await assert.rejects(post(server.url, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
});
