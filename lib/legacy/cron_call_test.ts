import assert from "node:assert/strict";
import { cronCaller } from "./cron_call.ts";

const never = new AbortController().signal;

function serve(answer: () => Response | Promise<Response>) {
  const requests: [string, string | null][] = [];
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: stop.signal },
    (request) => {
      requests.push([request.method, request.headers.get("authorization")]);
      return answer();
    },
  );
  return {
    requests,
    call: { name: "MetricsLite /x", url: `http://127.0.0.1:${server.addr.port}/x` },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

Deno.test("a cron route is posted to with the secret", async () => {
  await using server = await serve(() => Response.json({ ok: true }));
  await cronCaller("s")(server.call, never);
  assert.deepEqual(server.requests, [["POST", "Bearer s"]]);
});

Deno.test("a refusal names the service and what to check, and no secret", async () => {
  await using server = await serve(() => new Response("no", { status: 401 }));
  await assert.rejects(cronCaller("hidden")(server.call, never), {
    message: "Cannot call MetricsLite /x: it answered 401 (check CRON_SECRET)",
  });
});

Deno.test("a service that is away is an error that says so", async () => {
  const server = await serve(() => new Response());
  await server[Symbol.asyncDispose]();
  await assert.rejects(cronCaller("s")(server.call, never), /^Error: Cannot call MetricsLite \/x: /);
});
