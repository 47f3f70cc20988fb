/** Settling: each outcome's consequences, and that only the current holder's counts, once. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Case, claim, claimNew, enqueue, get, secondsUntil, settle, unique } from "./case.ts";

export const settleCases: Case[] = [
  {
    name: "done keeps the output, clears the error and ends the task",
    async run({ database }) {
      const task = await claimNew(database, "w");
      equal(await settle(database, "w", task, { outcome: "done", output: { url: "x", n: null } }), "settled");
      const row = await get(database, task.id);
      deepEqual([row.status, row.output_data, row.error], ["succeeded", { url: "x", n: null }, null]);
      deepEqual([row.claimed_by, row.lease_expires_at, row.history], ["w", null, []]);
      ok(row.completed_at);
    },
  },
  {
    name: "a failure is retried with exponential back-off, less up to a fifth",
    async run({ database }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { backoff_seconds: 100, max_attempts: 5 });
      const [task] = await claim(database, "w", type);
      await settle(database, "w", task!, {
        outcome: "failed",
        error: "HTTP 503",
        log_tail: "…",
        duration_ms: 12.6,
      });
      const row = await get(database, id!);
      deepEqual([row.status, row.attempts, row.error, row.claimed_by], ["pending", 1, "HTTP 503", null]);
      const delay = await secondsUntil(database, row.run_at);
      ok(delay > 70 && delay <= 100, `${delay} s`);
      const { attempt, token, worker_id, outcome, error, log_tail, duration_ms } = row.history[0]!;
      deepEqual(
        { attempt, token, worker_id, outcome, error, log_tail, duration_ms },
        {
          attempt: 1,
          token: "1",
          worker_id: "w",
          outcome: "failed",
          error: "HTTP 503",
          log_tail: "…",
          duration_ms: 13,
        },
      );
      deepEqual(await claim(database, "w", type), [], "not before its time");
    },
  },
  {
    name: "the delay doubles with the attempts, up to an hour",
    needs: "sql",
    async run({ database, sql }) {
      for (const [attempts, most] of [[2, 200], [3, 400], [9, 3600], [99, 3600]] as const) {
        const task = await claimNew(database, "w", { backoff_seconds: 100, max_attempts: 100 });
        await sql!(`update public.actp_workflow_tasks set attempts = ${attempts} where id = '${task.id}'`);
        await settle(database, "w", task, { outcome: "failed", error: "x" });
        const delay = await secondsUntil(database, (await get(database, task.id)).run_at);
        ok(delay > most * 0.8 - 20 && delay <= most, `${delay} s after ${attempts} attempts`);
      }
    },
  },
  {
    name: "a failure is final when a retry cannot help or no attempt is left",
    async run({ database }) {
      const hopeless = await claimNew(database, "w");
      await settle(database, "w", hopeless, {
        outcome: "failed",
        error: "input.url is missing",
        retry: false,
      });
      const row = await get(database, hopeless.id);
      deepEqual([row.status, row.error, row.attempts], ["failed", "input.url is missing", 1]);
      ok(row.completed_at);
      const last = await claimNew(database, "w", { max_attempts: 1 });
      await settle(database, "w", last, { outcome: "failed", error: "HTTP 503", retry: true });
      equal((await get(database, last.id)).status, "failed");
    },
  },
  {
    name: "a time-out is retried, and ends as timed_out",
    async run({ database }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { backoff_seconds: 0, max_attempts: 2 });
      for (const status of ["pending", "timed_out"]) {
        const [task] = await claim(database, "w", type);
        await settle(database, "w", task!, { outcome: "timed_out", error: "over 30 minutes" });
        equal((await get(database, id!)).status, status);
      }
    },
  },
  {
    name: "cancelled ends the task, also where a failure or release crosses a cancel; done wins over it",
    async run({ database }) {
      for (const outcome of ["cancelled", "failed", "timed_out", "released", "done"]) {
        const task = await claimNew(database, "w");
        await database.call("actp_cancel_task", { p_task_id: task.id, p_reason: "why not" });
        equal(await settle(database, "w", task, { outcome, error: "stopped" }), "settled");
        const row = await get(database, task.id);
        equal(row.status, outcome === "done" ? "succeeded" : "cancelled", outcome);
        equal(row.cancel_reason, "why not");
      }
      const unasked = await claimNew(database, "w");
      await settle(database, "w", unasked, { outcome: "cancelled", error: "refused by a person" });
      const row = await get(database, unasked.id);
      deepEqual([row.status, row.error], ["cancelled", "refused by a person"]);
    },
  },
  {
    name: "a released task costs no attempt and is due at once",
    async run({ database }) {
      const task = await claimNew(database, "w", { max_attempts: 1 });
      await settle(database, "w", task, { outcome: "released", error: "shutdown" });
      const row = await get(database, task.id);
      deepEqual([row.status, row.attempts, row.error, row.claimed_by], ["pending", 0, null, null]);
      const [again] = await claim(database, "w", task.task_type);
      deepEqual([again!.id, again!.attempt], [task.id, 1]);
    },
  },
  {
    name: "a replay is settled again and changes nothing",
    async run({ database }) {
      const worker = unique("worker");
      await database.call("actp_register_worker", { p_worker: { worker_id: worker, hostname: "h" } });
      for (const outcome of ["done", "failed", "timed_out", "cancelled", "released"]) {
        const task = await claimNew(database, worker, { max_attempts: 2, backoff_seconds: 500 });
        const report = { outcome, output: { a: 1 }, error: "e", duration_ms: 1 };
        equal(await settle(database, worker, task, report), "settled");
        const before = await get(database, task.id);
        equal(await settle(database, worker, task, report), "settled", outcome);
        deepEqual(await get(database, task.id), before);
      }
      const [row] = await database.call<Record<string, unknown>[]>("actp_list_workers", {
        p_worker_id: worker,
      });
      deepEqual([row!.jobs_completed, row!.jobs_failed], [1, 0]);
    },
  },
  {
    name: "a replay is settled while the task runs again elsewhere",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 1, { backoff_seconds: 0 });
      const [first] = await claim(database, "a", type);
      await settle(database, "a", first!, { outcome: "failed", error: "e" });
      const [second] = await claim(database, "b", type);
      equal(await settle(database, "a", first!, { outcome: "failed", error: "e" }), "settled");
      equal(await settle(database, "b", second!, { outcome: "done" }), "settled");
    },
  },
  {
    name: "a second, different outcome for one claim is lost and kept for the record",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await settle(database, "w", task, { outcome: "failed", error: "e" });
      equal(await settle(database, "w", task, { outcome: "done", output: 1 }), "lost");
      const row = await get(database, task.id);
      deepEqual([row.status, row.output_data], ["pending", null]);
      equal((row.history[0]!.late_report as { outcome: string }).outcome, "done");
      const done = await claimNew(database, "w");
      await settle(database, "w", done, { outcome: "done" });
      equal(await settle(database, "w", done, { outcome: "failed", error: "e" }), "lost");
      equal((await get(database, done.id)).status, "succeeded");
    },
  },
  {
    name: "the same settlement twice at once is settled both times",
    needs: "other",
    async run({ database, other }) {
      const type = unique("type");
      await enqueue(database, type, 60);
      for (const task of await claim(database, "w", type, 60)) {
        const report = { outcome: "failed", error: "e" };
        const answers = await Promise.all([
          settle(database, "w", task, report),
          settle(other!, "w", task, report),
        ]);
        deepEqual(answers, ["settled", "settled"]);
        equal((await get(database, task.id)).history.length, 1);
      }
    },
  },
  {
    name: "a batch answers each settlement in its place, and a repeated one like its first",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 4, { max_attempts: 2, backoff_seconds: 0 });
      const [a, b, c, d] = await claim(database, "w", type, 4);
      await settle(database, "w", c!, { outcome: "released" });
      const [cAgain] = await claim(database, "w", type);
      equal(cAgain!.id, c!.id);
      const at = (task: { id: string; token: string }, outcome: string) => ({
        task_id: task.id,
        token: task.token,
        outcome,
      });
      const settlements = [
        at(a!, "done"),
        at({ id: crypto.randomUUID(), token: "1" }, "done"),
        at(b!, "failed"),
        at(c!, "done"),
        at(cAgain!, "timed_out"),
        at(d!, "done"),
        at(d!, "done"),
      ];
      const answers = await database.call("actp_settle_tasks", {
        p_worker_id: "w",
        p_settlements: settlements,
      });
      deepEqual(answers, ["settled", "lost", "settled", "lost", "settled", "settled", "settled"]);
      const statuses = await Promise.all(
        [a, b, c, d].map(async (task) => (await get(database, task!.id)).status),
      );
      deepEqual(statuses, ["succeeded", "pending", "pending", "succeeded"]);
      deepEqual(await database.call("actp_settle_tasks", { p_worker_id: "w", p_settlements: [] }), []);
    },
  },
  {
    name: "an outcome that is not known is refused by name",
    async run({ database }) {
      const task = await claimNew(database, "w");
      for (const outcome of ["finished", undefined, null]) {
        await rejects(settle(database, "w", task, { outcome: outcome as string }), {
          code: "PT400",
          transient: false,
          message: /settlement 1: outcome/,
        });
      }
      equal((await get(database, task.id)).status, "claimed");
    },
  },
];
