import assert from "node:assert/strict";
import type { Database } from "../database/database.ts";
import type { WorkerStatus } from "../status.ts";
import { until } from "../testing/until.ts";
import { controlServer } from "./server.ts";
import { randomSecret } from "./token.ts";

const ID = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

/** A real server before a task that is running until the test says otherwise. */
async function serve() {
  const token = randomSecret();
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  let status = "running";
  let looks = 0;
  const database = {
    description: "",
    call(fn: string) {
      if (fn === "actp_get_task") return Promise.resolve({ id: ID, status });
      looks++;
      return Promise.resolve(status === "running" ? [] : [ID]);
    },
    close: () => Promise.resolve(),
  } as unknown as Database;
  const running = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status: () => Promise.resolve({} as WorkerStatus), wake() {} },
    token,
    database,
    embedded: false,
    onListen: listening.resolve,
  }).run(stop.signal);
  const url = `http://127.0.0.1:${await listening.promise}/tasks/${ID}?wait=60`;
  const ask = (signal?: AbortSignal) => fetch(url, { signal, headers: { authorization: `Bearer ${token}` } });
  return {
    ask,
    settle: () => void (status = "succeeded"),
    looks: () => looks,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("a long poll over a real connection is answered when the task is settled", async () => {
  const server = await serve();
  const answer = server.ask();
  await until("somebody waits", () => server.looks() > 0);
  server.settle();
  assert.equal((await (await answer).json()).status, "succeeded");
  await server.stop();
});

Deno.test("when the client goes away nobody looks any more", async () => {
  const server = await serve();
  const gone = new AbortController();
  const answer = server.ask(gone.signal).catch(() => "gone");
  await until("somebody waits", () => server.looks() > 0);
  gone.abort();
  assert.equal(await answer, "gone");
  // Two looks are at most a second apart.
  let [seen, since] = [server.looks(), performance.now()];
  await until("nobody looks", () => {
    if (server.looks() !== seen) [seen, since] = [server.looks(), performance.now()];
    return performance.now() - since > 1_300;
  });
  await server.stop();
});

Deno.test("a worker that stops answers with what the task is, and is gone at once", async () => {
  const server = await serve();
  const answer = server.ask();
  await until("somebody waits", () => server.looks() > 0);
  await server.stop();
  const response = await answer;
  assert.deepEqual([response.status, (await response.json()).status], [200, "running"]);
});
