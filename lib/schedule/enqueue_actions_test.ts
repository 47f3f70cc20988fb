import assert from "node:assert/strict";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import { routine } from "../testing/schedule_bench.ts";
import { goalAction } from "./goal_action.ts";
import type { RunAction } from "./routine.ts";
import { taskAction } from "./task_action.ts";

const RUN = {
  id: "run1",
  dueAt: new Date("2026-03-02T09:00:00Z"),
  signal: new AbortController().signal,
  log: logger("test"),
};
const daily = routine({ id: "r", schedule: { cron: "@daily" } });

function recording(result: unknown) {
  const calls: unknown[] = [];
  const database: Database = {
    description: "a database",
    call: <T>(fn: string, args?: Record<string, unknown>) => {
      calls.push([fn, args]);
      return Promise.resolve(result as T);
    },
    close: () => Promise.resolve(),
  };
  return { calls, database };
}

Deno.test("a routine's task is enqueued with its input, under a key of the run", async () => {
  const { calls, database } = recording([{ id: "t1", created: true }]);
  const action = { kind: "task", task_type: "echo", input: { a: 1 } } as const;
  const given = { ...daily, action } as Parameters<RunAction<"task">>[0];
  assert.deepEqual(await taskAction(database)(given, RUN), { task_id: "t1" });
  const tasks = [{ task_type: "echo", input_data: { a: 1 }, idempotency_key: "routine run run1" }];
  assert.deepEqual(calls, [["actp_enqueue_tasks", { p_tasks: tasks }]]);
});

Deno.test("a routine's goal is put before its agent, under a key of the run", async () => {
  const { calls, database } = recording({ id: "g1", created: true });
  const action = { kind: "goal", agent: "content-agent", goal: "write" } as const;
  const given = { ...daily, action } as Parameters<RunAction<"goal">>[0];
  assert.deepEqual(await goalAction(database)(given, RUN), { agent_task_id: "g1" });
  assert.deepEqual(calls, [["actp_enqueue_agent_task", {
    p_task: {
      agent_type: "content-agent",
      goal: "write",
      context: { routine: "r", due_at: "2026-03-02T09:00:00.000Z" },
      source: "routine r",
      idempotency_key: "routine run run1",
    },
  }]]);
});
