import assert from "node:assert/strict";
import type { WorkerStatus } from "../status.ts";
import { readiness } from "./health.ts";
import { healthApp, healthServer } from "./health_server.ts";

const status = (fields: Partial<WorkerStatus>) =>
  ({ worker_id: "w", status: "online", ready: true, reasons: [], ...fields }) as WorkerStatus;
const worker = (fields: Partial<WorkerStatus>) => ({
  status: () => Promise.resolve(status(fields)),
  wake: () => {},
});

Deno.test("a worker that takes no work says why", () => {
  assert.deepEqual(readiness(status({ reasons: ["slow"] })), { ready: true, reasons: [] });
  assert.deepEqual(readiness(status({ ready: false, reasons: ["no disk"] })), {
    ready: false,
    reasons: ["no disk"],
  });
  assert.deepEqual(readiness(status({ ready: false })), { ready: false, reasons: ["starting"] });
  assert.deepEqual(readiness(status({ ready: false, status: "draining" })).reasons, [
    "draining: the worker stops",
  ]);
});

Deno.test("health answers 200 in every state, ready 503 unless work is taken", async () => {
  for (const state of ["online", "draining", "degraded"] as const) {
    const app = healthApp(worker({ status: state, ready: state === "online", reasons: ["x"] }), () => 8765);
    const ask = (path: string) => app.request(path, { headers: { host: "localhost:8765" } });
    const health = await ask("/health");
    assert.equal(health.status, 200);
    const body = await health.json();
    assert.deepEqual([body.status, body.worker_id], [state, "w"]);
    const ready = await ask("/ready");
    assert.deepEqual(
      [ready.status, (await ready.json()).ready],
      state === "online" ? [200, true] : [503, false],
    );
    assert.equal((await ask("/status")).status, 404);
  }
});

Deno.test("the health server answers GET and HEAD only, by its own names only, until it is stopped", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const config = { controlHost: "127.0.0.1", healthPort: 0 } as const;
  const running = healthServer({ config, worker: worker({}), onListen: listening.resolve }).run(stop.signal);
  const url = `http://127.0.0.1:${await listening.promise}`;
  const ask = async (method: string) => {
    const response = await fetch(`${url}/health`, { method });
    return { status: response.status, allow: response.headers.get("allow"), text: await response.text() };
  };
  assert.equal((await ask("GET")).status, 200);
  assert.deepEqual(await ask("HEAD"), { status: 200, allow: null, text: "" });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, allow } = await ask(method);
    assert.deepEqual([status, allow], [405, "GET, HEAD"], method);
  }
  // By hand: fetch sets the Host header itself.
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
  const answer = new Uint8Array(100);
  await connection.read(answer);
  assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 403 /);
  stop.abort();
  await running;
});
