/** The queue's policy: limits, pauses, dead letters, cancelling many or with a deadline, retention. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Database } from "../database.ts";
import {
  beat,
  type Case,
  claim,
  type Claimed,
  claimNew,
  enqueue,
  get,
  settle,
  type TaskRow,
  unique,
} from "./case.ts";

interface Limit {
  readonly pattern: string;
  readonly max_running: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
  readonly running: number;
  readonly waiting: number;
}

interface Pruned {
  readonly busy: boolean;
  readonly tasks: number;
  readonly logs: number;
  readonly workers: number;
  readonly next: string | null;
}

const limit = (database: Database, pattern: string, max: number | null) =>
  database.call<Limit>("actp_set_task_limit", { p_pattern: pattern, p_max_running: max });

const limits = async (database: Database, pattern: string) =>
  (await database.call<Limit[]>("actp_list_task_limits")).filter((one) => one.pattern === pattern);

const roomy = (database: Database, types: readonly string[], rooms: Record<string, number>, room = 10) =>
  claim(database, "w", types, room, undefined, rooms);

const retryAll = (database: Database, args: Record<string, unknown>) =>
  database.call<{ retried: number }>("actp_retry_tasks", args);

const cancelWithin = (database: Database, id: string, seconds: number) =>
  database.call<TaskRow>("actp_cancel_task_within", { p_task_id: id, p_seconds: seconds });

export const policyCases: Case[] = [
  {
    name: "no more of a limited type run than the limit says, over all workers, and a settled one makes room",
    async run({ database }) {
      const [type, free] = [unique("type"), unique("type")];
      await enqueue(database, type, 5);
      await enqueue(database, free, 2);
      const [early] = await claim(database, "w1", type);
      await limit(database, type, 2);
      const claimed = await claim(database, "w2", [type, free], 10);
      deepEqual(claimed.map(({ task_type }) => task_type).sort(), [free, free, type].sort());
      deepEqual(await claim(database, "w3", type, 10), []);
      const [{ running, waiting, max_running }] = await limits(database, type);
      deepEqual([running, waiting, max_running], [2, 3, 2]);
      await settle(database, "w1", early!, { outcome: "done" });
      equal((await claim(database, "w3", type, 10)).length, 1);
      await limit(database, type, null);
      deepEqual(await limits(database, type), []);
      equal((await claim(database, "w3", type, 10)).length, 2);
    },
  },
  {
    name: "types under one pattern share its limit, the most urgent first",
    async run({ database }) {
      const family = unique("family");
      const [a, b] = [`${family}_a`, `${family}_b`];
      await enqueue(database, a, 3);
      const [urgent] = await enqueue(database, b, 1, { priority: 5 });
      await limit(database, `${family}_*`, 2);
      const claimed = await claim(database, "w", [a, b], 10);
      deepEqual(claimed.map(({ task_type }) => task_type), [b, a]);
      equal(claimed[0]!.id, urgent);
      await limit(database, a, 1); // the narrower limit holds as well
      await settle(database, "w", claimed[0]!, { outcome: "failed", retry: false });
      deepEqual(await claim(database, "w", [a, b], 10), []);
      await settle(database, "w", claimed[1]!, { outcome: "released" });
      equal((await claim(database, "w", [a, b], 10)).length, 1);
      for (const pattern of [a, `${family}_*`]) await limit(database, pattern, null);
    },
  },
  {
    name: "a lost or retried task no longer counts against its limit",
    async run({ database }) {
      const type = unique("type");
      await limit(database, type, 1);
      await enqueue(database, type, 1, { backoff_seconds: 0 });
      for (let times = 0; times < 2; times++) {
        const [task] = await claim(database, "w", type, 5);
        await settle(database, "w", task!, { outcome: "failed", error: "again" });
      }
      equal((await claim(database, "w", type, 5, 0)).length, 1);
      await database.call("actp_rescue_tasks");
      equal((await limits(database, type))[0]!.running, 0);
      await limit(database, type, null);
    },
  },
  {
    name: "concurrent claims never go beyond a limit",
    needs: "other",
    async run({ database, other }) {
      const family = unique("family");
      const types = [`${family}_a`, `${family}_b`, `${family}_c`];
      for (const type of types) await enqueue(database, type, 20);
      await limit(database, `${family}_*`, 3);
      await limit(database, types[0]!, 2);
      let held: Claimed[] = [];
      for (let round = 0; round < 8; round++) {
        const claims = Array.from(
          { length: 8 },
          (_, i) => claim(i % 2 ? database : other!, "w", i % 3 ? types : [...types].reverse(), 1 + i % 4),
        );
        const fresh = (await Promise.all(claims)).flat();
        held.push(...fresh);
        ok(held.length <= 3, `${held.length} run under a limit of 3`);
        ok(held.filter(({ task_type }) => task_type === types[0]).length <= 2);
        equal(held.length, 3, "and the room is used");
        await settle(database, "w", held[0]!, { outcome: "done" });
        held = held.slice(1);
      }
      for (const pattern of [types[0]!, `${family}_*`]) await limit(database, pattern, null);
    },
  },
  {
    name: "a worker's own rooms hold for types and for patterns, whose types share them",
    async run({ database }) {
      const family = unique("family");
      const [a, b, free] = [`${family}_a`, `${family}_b`, unique("type")];
      for (const type of [a, b, free]) await enqueue(database, type, 3);
      const counts = (tasks: readonly Claimed[]) =>
        [a, b, free].map((type) => tasks.filter(({ task_type }) => task_type === type).length);
      const first = counts(await roomy(database, [a, b, free], { [`${family}_*`]: 2, [b]: 0 }));
      deepEqual(first, [2, 0, 3]);
      deepEqual(counts(await roomy(database, [a, b], { [a]: -1, [b]: 2 })), [0, 2, 0]);
      deepEqual(counts(await roomy(database, [a, b], {}, 1)), [1, 0, 0]);
    },
  },
  {
    name: "a paused type or pattern is not claimed until it is resumed; what runs goes on",
    async run({ database }) {
      const family = unique("family");
      const type = `${family}_a`;
      await enqueue(database, type, 3);
      const [held] = await claim(database, "w", type);
      const paused = await database.call<Limit>("actp_pause_tasks", {
        p_pattern: `${family}_*`,
        p_reason: "site is down",
      });
      deepEqual([paused.paused, paused.reason], [true, "site is down"]);
      deepEqual(await claim(database, "w", type, 5), []);
      equal(await beat(database, "w", held!), "ok");
      const resume = (pattern: string) => database.call("actp_resume_tasks", { p_pattern: pattern });
      await rejects(resume(type), { code: "PT404", message: /nothing is paused/ });
      await resume(`${family}_*`);
      deepEqual(await limits(database, `${family}_*`), []);
      equal((await claim(database, "w", type, 5)).length, 2);
    },
  },
  {
    name: "a pause and a limit of one pattern come and go apart",
    async run({ database }) {
      const type = unique("type");
      await limit(database, type, 4);
      await database.call("actp_pause_tasks", { p_pattern: type });
      await limit(database, type, null);
      deepEqual((await limits(database, type)).map(({ paused, max_running }) => [paused, max_running]), [[
        true,
        null,
      ]]);
      await limit(database, type, 3);
      await database.call("actp_resume_tasks", { p_pattern: type });
      deepEqual((await limits(database, type)).map(({ paused, max_running }) => [paused, max_running]), [[
        false,
        3,
      ]]);
      await limit(database, type, null);
    },
  },
  {
    name: "patterns and numbers that mean nothing are refused",
    async run({ database }) {
      for (const pattern of ["", "*a", "a*b", "a**", "x".repeat(201)]) {
        await rejects(limit(database, pattern, 1), { code: "PT400", message: /p_pattern/ }, pattern);
        await rejects(database.call("actp_pause_tasks", { p_pattern: pattern }), { code: "PT400" }, pattern);
      }
      await rejects(limit(database, "a", -1), { code: "PT400", message: /p_max_running/ });
    },
  },
  {
    name: "dead tasks are retried together, by type and number, and nothing else is",
    async run({ database }) {
      const [a, b] = [unique("type"), unique("type")];
      for (const type of [a, b]) {
        await enqueue(database, type, 4);
        const [failed, late, cancelled] = await claim(database, "w", type, 3);
        await settle(database, "w", failed!, { outcome: "failed", error: "e", retry: false });
        await settle(database, "w", late!, { outcome: "timed_out", error: "e", retry: false });
        await settle(database, "w", cancelled!, { outcome: "cancelled" });
      }
      deepEqual(await retryAll(database, { p_types: [a], p_limit: 1 }), { retried: 1 });
      deepEqual(await retryAll(database, { p_types: [a] }), { retried: 1 });
      deepEqual(await retryAll(database, { p_types: [a] }), { retried: 0 });
      deepEqual((await claim(database, "w", a, 5)).map(({ attempt }) => attempt), [1, 1, 1]);
      deepEqual(await retryAll(database, { p_types: [b, a] }), { retried: 2 });
      await rejects(retryAll(database, { p_limit: 0 }), { code: "PT400" });
    },
  },
  {
    name: "an execution is cancelled as a whole: what waits at once, what runs is asked to stop",
    async run({ database }) {
      const type = unique("type");
      const execution = crypto.randomUUID();
      const ids = await enqueue(database, type, 3, { execution_id: execution });
      const [done, held] = await claim(database, "w", type, 2);
      await settle(database, "w", done!, { outcome: "done" });
      const cancel = (id: string, seconds?: number) =>
        database.call("actp_cancel_execution", {
          p_execution_id: id,
          p_reason: "changed my mind",
          p_seconds: seconds,
        });
      deepEqual(await cancel(execution), { cancelled: 1, stopping: 1 });
      deepEqual(
        (await Promise.all(ids.map((id) => get(database, id)))).map(({ status }) => status),
        ["succeeded", "claimed", "cancelled"],
      );
      equal(await beat(database, "w", held!), "cancel");
      equal(await settle(database, "w", held!, { outcome: "cancelled" }), "settled");
      deepEqual(await cancel(execution, 30), { cancelled: 0, stopping: 0 });
      await rejects(cancel(crypto.randomUUID()), { code: "PT404" });
    },
  },
  {
    name:
      "a cancellation that is not confirmed by its deadline settles the task, and the late report is refused",
    async run({ database }) {
      const task = await claimNew(database, "w");
      equal((await cancelWithin(database, task.id, 60)).status, "claimed");
      const expire = () => database.call<{ cancelled: number }>("actp_expire_cancellations");
      await expire();
      equal((await get(database, task.id)).status, "claimed");
      await cancelWithin(database, task.id, 0);
      await expire();
      const { status, history, completed_at } = await get(database, task.id);
      deepEqual([status, history.map(({ outcome }) => outcome)], ["cancelled", ["lost"]]);
      ok(completed_at);
      match(String(history[0]!.error), /did not confirm the cancellation in time/);
      equal(await beat(database, "w", task), "lost");
      equal(await settle(database, "w", task, { outcome: "cancelled" }), "lost");
      equal(
        ((await get(database, task.id)).history[0]!.late_report as { outcome: string }).outcome,
        "cancelled",
      );
    },
  },
  {
    name: "a deadline ends with the claim that it was set for",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await cancelWithin(database, task.id, 0);
      await settle(database, "w", task, { outcome: "cancelled" });
      await database.call("actp_retry_task", { p_task_id: task.id });
      await claim(database, "w", task.task_type);
      await database.call("actp_cancel_task", { p_task_id: task.id });
      await database.call("actp_expire_cancellations");
      equal((await get(database, task.id)).status, "claimed");
      const [waiting] = await enqueue(database, unique("type"));
      equal((await cancelWithin(database, waiting!, 30)).status, "cancelled");
      await rejects(cancelWithin(database, task.id, -1), { code: "PT400" });
    },
  },
  {
    name: "what is old enough is pruned with its attempts, batch by batch, and nothing else",
    needs: "sql",
    async run({ database, sql }) {
      const type = unique("type");
      const ids = await enqueue(database, type, 6);
      const claimed = await claim(database, "w", type, 5);
      for (const [i, outcome] of ["done", "failed", "cancelled", "done"].entries()) {
        await settle(database, "w", claimed[i]!, { outcome, retry: false, error: "e" });
      }
      const old = ids.filter((_, i) => i !== 3).map((id) => `'${id}'`).join();
      await sql!(`update public.actp_workflow_tasks set created_at = now() - interval '100 days',
        completed_at = case when completed_at is not null then now() - interval '91 days' end where id in (${old})`);
      await database.call("actp_write_worker_logs", {
        p_worker_id: type,
        p_rows: [{ message: "old", created_at: "2020-01-01T00:00:00Z" }, { message: "new" }],
      });
      await sql!(`insert into public.actp_worker_registrations (worker_id, capabilities, last_heartbeat)
        values ('${type}', '{}', now() - interval '31 days')`);
      // Tasks are pruned in the order in which they were made, up to the first batch that is too young as a whole.
      const [{ before }] = await sql!(
        `select min(seq) - 1 as before from public.actp_workflow_tasks where task_type = '${type}'`,
      ) as [{ before: string }];
      const after = async (policy: Record<string, number>) => {
        const batches: Pruned[] = [];
        do {
          batches.push(
            await database.call<Pruned>("actp_prune", {
              p_task_days: 0,
              p_log_days: 0,
              p_worker_days: 0,
              p_limit: 2,
              p_after: batches.at(-1)?.next ?? before,
              ...policy,
            }),
          );
        } while (batches.at(-1)!.next !== null);
        const left = await sql!(
          `select id from public.actp_workflow_tasks where task_type = '${type}' order by seq`,
        );
        const [rows] = await sql!(`select
          (select count(*)::int from public.actp_worker_logs where worker_id = '${type}') as logs,
          (select count(*)::int from public.actp_worker_registrations where worker_id = '${type}') as workers,
          (select count(*)::int from public.actp_task_attempts where task_id in (${old})) as attempts`);
        return { left: left.map(({ id }) => ids.indexOf(String(id))), ...rows, batches: batches.length };
      };
      const first = await after({});
      deepEqual(first, { left: [0, 1, 2, 3, 4, 5], logs: 2, workers: 1, attempts: 2, batches: 1 });
      const { batches, ...rest } = await after({ p_task_days: 90, p_log_days: 7, p_worker_days: 30 });
      deepEqual(rest, { left: [3, 4, 5], logs: 1, workers: 0, attempts: 0 });
      ok(batches > 1);
      await rejects(after({ p_task_days: -1 }), { code: "PT400" });
    },
  },
  {
    name: "the oldest row of each table is known",
    async run({ database }) {
      await enqueue(database, unique("type"));
      const oldest = await database.call<Record<string, string | null>>("actp_oldest_rows");
      ok(Date.parse(oldest.actp_workflow_tasks!) <= Date.now() + 60_000);
      ok("actp_worker_logs" in oldest && "actp_worker_heartbeats" in oldest);
    },
  },
];
