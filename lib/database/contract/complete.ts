/** The short way for what succeeded: the same result as settling, and nobody but the holder is heard. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Case, claim, claimNew, complete, enqueue, get, settle, unique } from "./case.ts";

export const completeCases: Case[] = [
  {
    name: "completed tasks keep their outputs, lose an earlier error and are over",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 3, { backoff_seconds: 0 });
      const [failed] = await claim(database, "w", type);
      await settle(database, "w", failed!, { outcome: "failed", error: "HTTP 503" });
      const tasks = await claim(database, "w", type, 3);
      const outputs = [{ url: "x", n: null }, null, ["a"]];
      equal(await complete(database, "w", tasks, outputs), 3);
      const rows = await Promise.all(tasks.map(({ id }) => get(database, id)));
      deepEqual(rows.map(({ status }) => status), ["succeeded", "succeeded", "succeeded"]);
      deepEqual(rows.map(({ output_data }) => output_data), outputs);
      deepEqual(
        rows.map(({ error, lease_expires_at }) => [error, lease_expires_at]),
        Array(3).fill([null, null]),
      );
      ok(rows.every(({ completed_at }) => completed_at));
    },
  },
  {
    name: "completing without outputs, and nothing at all",
    async run({ database }) {
      const task = await claimNew(database, "w");
      equal(await complete(database, "w", [task]), 1);
      const row = await get(database, task.id);
      deepEqual([row.status, row.output_data], ["succeeded", null]);
      equal(await complete(database, "w", []), 0);
    },
  },
  {
    name: "only what its current holder completes for the first time is counted",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 4);
      const [lost, cancelled, replayed, held] = await claim(database, "w", type, 4, 60);
      const report = { outcome: "released" };
      await settle(database, "w", lost!, report);
      const [again] = await claim(database, "x", type);
      await settle(database, "w", cancelled!, { outcome: "cancelled" });
      equal(await complete(database, "w", [replayed!]), 1);
      const made = { id: crypto.randomUUID(), token: "1" };
      equal(await complete(database, "w", [lost!, cancelled!, replayed!, made, held!, held!]), 1);
      const statuses = await Promise.all(
        [lost, cancelled, replayed, held].map(async (task) => (await get(database, task!.id)).status),
      );
      deepEqual(statuses, ["claimed", "cancelled", "succeeded", "succeeded"]);
      equal(again!.token, "2", "the task that was lost has passed on");
      equal(await settle(database, "w", lost!, { outcome: "done" }), "lost");
      equal(await settle(database, "w", replayed!, { outcome: "done" }), "settled");
    },
  },
  {
    name: "a task that is asked to stop can still be completed",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await database.call("actp_cancel_task", { p_task_id: task.id });
      equal(await complete(database, "w", [task]), 1);
      equal((await get(database, task.id)).status, "succeeded");
    },
  },
  {
    name: "completions are counted for the worker",
    async run({ database }) {
      const worker = unique("worker");
      await database.call("actp_register_worker", { p_worker: { worker_id: worker, hostname: "h" } });
      const type = unique("type");
      await enqueue(database, type, 2);
      await complete(database, worker, await claim(database, worker, type, 2));
      const [row] = await database.call<Record<string, unknown>[]>("actp_list_workers", {
        p_worker_id: worker,
      });
      equal(row!.jobs_completed, 2);
      const { by_type } = await database.call<{ by_type: Record<string, unknown> }>("actp_task_statistics");
      deepEqual(by_type[type], { succeeded: 2 });
    },
  },
  {
    name: "lists that do not fit together are refused",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const good = { p_worker_id: "w", p_task_ids: [task.id], p_tokens: [task.token] };
      for (
        const change of [{ p_tokens: [] }, { p_tokens: null }, { p_task_ids: null }, { p_outputs: [1, 2] }]
      ) {
        await rejects(database.call("actp_complete_tasks", { ...good, ...change }), {
          code: "PT400",
          message: /of one length/,
        });
      }
      equal((await get(database, task.id)).status, "claimed");
    },
  },
];
