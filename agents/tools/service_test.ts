import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { refusingUrl } from "../../lib/testing/agent_tools.ts";
import { scriptedServer } from "../../lib/testing/scripted_server.ts";
import { askService, type Service, ServiceError, type ServiceRequest } from "./service.ts";

const SECRET = "token-in-the-address";

function ask(baseUrl: string, more: Partial<ServiceRequest & Service> = {}) {
  const { method = "GET", path = "/x?key=in-the-query", purpose = "look", ...rest } = more;
  const service: Service = {
    name: "the service",
    baseUrl: `${baseUrl}/${SECRET}`,
    keySetting: "THE_KEY",
    fetch,
  };
  return askService(service, { method, path, purpose, signal: new AbortController().signal, ...rest });
}

/** What is told of a failure. */
async function failure(asking: Promise<unknown>): Promise<ServiceError> {
  const error = await asking.then(() => undefined, (error) => error);
  ok(error instanceof ServiceError, String(error));
  ok(!error.message.includes(SECRET) && !error.message.includes("in-the-query"), error.message);
  return error;
}

Deno.test("an answer is its status and JSON, an empty one is undefined", async () => {
  await using server = scriptedServer((_asked, nth) =>
    nth === 1 ? Response.json({ a: 1 }) : new Response(null, { status: 204 })
  );
  deepEqual(await ask(server.url, { method: "POST", body: { b: 2 } }), { status: 200, body: { a: 1 } });
  deepEqual(server.asked[0]!.body, { b: 2 });
  equal(server.asked[0]!.headers.get("content-type"), "application/json");
  deepEqual(await ask(server.url), { status: 204, body: undefined });
});

Deno.test("a refused connection is unavailable: surely nothing was done", async () => {
  const { kind, message } = await failure(ask(refusingUrl()));
  deepEqual([kind, message], ["unavailable", "Cannot look: the service cannot be reached"]);
});

Deno.test("each status is told for what it is", async () => {
  const statuses: [number, ServiceError["kind"]][] = [
    [302, "refused"],
    [400, "refused"],
    [401, "refused"],
    [408, "failed"],
    [429, "rate_limited"],
    [500, "failed"],
    [503, "failed"],
  ];
  for (const [status, kind] of statuses) {
    await using server = scriptedServer(() =>
      new Response(JSON.stringify({ error: { message: "why\nso" } }), {
        status,
        headers: { "retry-after": "7", location: "https://evil.example" },
      })
    );
    const error = await failure(ask(server.url));
    equal(error.kind, kind, `${status}`);
    equal(error.retryAfterMs, status === 429 ? 7_000 : undefined);
    ok(
      error.message.endsWith(status === 401 ? "answered 401 (check THE_KEY)" : `answered ${status}: why so`),
      error.message,
    );
    equal(server.asked.length, 1, "a redirect is not followed");
  }
});

Deno.test("a status that is accepted is an answer", async () => {
  await using server = scriptedServer(() => new Response("<html>", { status: 404 }));
  deepEqual(await ask(server.url, { accept: [404] }), { status: 404, body: undefined });
});

Deno.test("what is not JSON, too long, too late or cut off may have been done all the same", async () => {
  const answers: (() => Response | Promise<Response>)[] = [
    () => new Response("<html>"),
    () => new Response("x".repeat(5 * 2 ** 20)),
    () => new Response(new ReadableStream({ start: (stream) => stream.error(new Error("cut")) })),
  ];
  for (const answer of answers) {
    await using server = scriptedServer(answer);
    equal((await failure(ask(server.url))).kind, "failed");
  }
  await using silent = scriptedServer((_asked, _nth, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())))
  );
  const late = await failure(ask(silent.url, { timeoutMs: 50 }));
  deepEqual([late.kind, late.message], [
    "failed",
    "Cannot look: the service failed: no answer within 0.05 s",
  ]);
});

Deno.test("an abort is passed on as such", async () => {
  await using silent = scriptedServer((_asked, _nth, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())))
  );
  const stop = new AbortController();
  const asking = ask(silent.url, { signal: stop.signal });
  stop.abort(new Error("the run is over"));
  await rejects(asking, /the run is over/);
});
