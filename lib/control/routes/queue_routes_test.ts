import assert from "node:assert/strict";
import { DatabaseError } from "../../database/database.ts";
import type { QueueStatus } from "../../health/overall.ts";
import type { WorkerStatus } from "../../status.ts";
import { answerError } from "../api_error.ts";
import { queueRoutes } from "./queue_routes.ts";

const AT = "2026-11-20T18:00:00+00:00";
const RUNNING: QueueStatus = { name: "the task table", state: "running", since: null, reason: null };
const LIMIT = { pattern: "a_*", max_running: 2, paused: false, reason: "old", updated_at: AT };

function setUp(limits: unknown, queues: QueueStatus[] = [RUNNING]) {
  const calls: [string, Record<string, unknown>][] = [];
  let woken = 0;
  const app = queueRoutes({
    description: "a database",
    call: <T>(fn: string, args: Record<string, unknown> = {}) => {
      calls.push([fn, args]);
      if (limits instanceof Error) return Promise.reject(limits);
      return Promise.resolve((fn === "actp_list_task_limits" ? limits : LIMIT) as T);
    },
    close: () => Promise.resolve(),
  }, {
    status: () => Promise.resolve({ queues } as Partial<WorkerStatus> as WorkerStatus),
    wake: () => woken++,
  });
  app.onError(answerError);
  const post = (path: string, body: unknown) =>
    app.request(path, { method: "POST", body: JSON.stringify(body) });
  const get = async () => await (await app.request("/queues")).json();
  return { get, post, calls, woken: () => woken };
}

Deno.test("queues are told with the limits and pauses of task types", async () => {
  const { get } = setUp([{ ...LIMIT, running: 1, waiting: 4 }, {
    ...LIMIT,
    pattern: "b",
    paused: true,
    running: 0,
    waiting: 0,
  }]);
  const { queues, limits } = await get();
  assert.deepEqual(queues, [RUNNING]);
  assert.deepEqual(limits[0], {
    pattern: "a_*",
    max_running: 2,
    paused: false,
    running: 1,
    waiting: 4,
    paused_reason: null,
    paused_at: null,
  });
  assert.deepEqual([limits[1].paused_reason, limits[1].paused_at], ["old", AT]);
});

Deno.test("a pause of everything pauses the table of tasks, unless that is worse off", async () => {
  const all = [{ ...LIMIT, pattern: "*", paused: true }];
  const other = { ...RUNNING, name: "MPLite" };
  assert.deepEqual((await setUp(all, [RUNNING, other]).get()).queues, [
    { ...RUNNING, state: "paused", since: AT, reason: "old" },
    other,
  ]);
  const away: QueueStatus = { ...RUNNING, state: "unreachable", since: AT, reason: "no route" };
  assert.deepEqual((await setUp(all, [away]).get()).queues, [away]);
});

Deno.test("queues are told while the database is away", async () => {
  const { get } = setUp(new DatabaseError("no route", { transient: true }));
  assert.deepEqual(await get(), { queues: [RUNNING], limits: null });
});

Deno.test("types are paused, resumed and limited", async () => {
  const { post, calls, woken } = setUp([]);
  const answer = await (await post("/queues/pause", { pattern: "a_*", reason: "holidays" })).json();
  assert.deepEqual(answer, {
    pattern: "a_*",
    max_running: 2,
    paused: false,
    paused_reason: null,
    paused_at: null,
  });
  await post("/queues/resume", { pattern: "a_*" });
  await post("/queues/limit", { pattern: "a", max_running: 3 });
  await post("/queues/limit", { pattern: "a", max_running: null });
  assert.deepEqual(calls, [
    ["actp_pause_tasks", { p_pattern: "a_*", p_reason: "holidays" }],
    ["actp_resume_tasks", { p_pattern: "a_*" }],
    ["actp_set_task_limit", { p_pattern: "a", p_max_running: 3 }],
    ["actp_set_task_limit", { p_pattern: "a", p_max_running: null }],
  ]);
  assert.equal(woken(), 3);
});

Deno.test("what cannot be meant is refused before the database is asked", async () => {
  const { post, calls } = setUp([]);
  for (
    const [path, body] of [
      ["/queues/pause", {}],
      ["/queues/pause", { pattern: "a*b" }],
      ["/queues/pause", { pattern: "a", why: "x" }],
      ["/queues/resume", { pattern: "" }],
      ["/queues/limit", { pattern: "a" }],
      ["/queues/limit", { pattern: "a", max_running: -1 }],
      ["/queues/limit", { pattern: "a", max_running: 1.5 }],
    ] as const
  ) {
    assert.equal((await post(path, body)).status, 400, JSON.stringify(body));
  }
  assert.deepEqual(calls, []);
});
