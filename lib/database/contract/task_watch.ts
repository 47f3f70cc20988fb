/** What heartbeat actions look at: new tasks, the last day, and what needs attention. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Database } from "../database.ts";
import { type Case, claim, claimNew, enqueue, get, settle, unique } from "./case.ts";

interface Scan {
  readonly count: number;
  readonly capped: boolean;
  readonly by_type: Readonly<Record<string, number>>;
  readonly rewards: readonly { readonly currency: string | null; readonly amount: string }[];
  readonly tasks: readonly { readonly id: string }[];
  readonly seen: Readonly<Record<string, unknown>>;
}

interface Item {
  readonly kind: string;
  readonly key: string;
  readonly task_id: string | null;
  readonly task_type: string;
  readonly detail: string | null;
  readonly count: number | null;
}

interface Summary {
  readonly done: number;
  readonly failed: number;
  readonly retried: number;
  readonly top_errors: readonly {
    readonly task_type: string;
    readonly error: string;
    readonly count: number;
  }[];
  readonly ai_cost_usd: string | null;
}

function scan(database: Database, types: string[], seen: unknown = {}, more: Record<string, unknown> = {}) {
  return database.call<Scan>("actp_scan_tasks", { p_types: types, p_seen: seen, ...more });
}

async function itemsOf(database: Database, kind: string, type: string): Promise<Item[]> {
  const { items } = await database.call<{ items: Item[] }>("actp_portfolio", { p_limit: 1000 });
  return items.filter((item) => item.kind === kind && item.task_type === type);
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

export const taskWatchCases: Case[] = [
  {
    name: "a scan finds what is claimable, and the next one only what is new since",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 2);
      await enqueue(database, type, 1, { run_at: inMinutes(60) });
      const first = await scan(database, [type, unique("other")]);
      deepEqual([first.count, first.by_type[type], first.tasks.length], [2, 2, 2]);
      equal((await scan(database, [type], first.seen)).count, 0);
      const [added] = await enqueue(database, type);
      const second = await scan(database, [type], first.seen);
      deepEqual(second.tasks.map(({ id }) => id), [added]);
      equal((await scan(database, [type], second.seen)).count, 0);
    },
  },
  {
    name: "tasks that are claimed, or tried again, are not new",
    async run({ database }) {
      const type = unique("type");
      const { seen } = await scan(database, [type]);
      await enqueue(database, type);
      const [task] = await claim(database, "w", type);
      equal((await scan(database, [type], seen)).count, 0);
      const later = (await scan(database, [type], seen)).seen;
      await settle(database, "w", task!, { outcome: "released" });
      equal((await get(database, task!.id)).status, "pending");
      equal((await scan(database, [type], later)).count, 0);
    },
  },
  {
    name: "a task that was put in for later is new when it falls due",
    needs: "sql",
    async run({ database, sql }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { run_at: inMinutes(60) });
      const { seen } = await scan(database, [type]);
      await sql!(`update public.actp_workflow_tasks set run_at = now() where id = '${id}'`);
      equal((await scan(database, [type], seen)).count, 1);
    },
  },
  {
    name: "a task whose transaction was under way during a scan is found by the next",
    needs: "sql",
    async run({ database, sql }) {
      const type = unique("type");
      await sql!(`begin; insert into public.actp_workflow_tasks (task_type) values ('${type}')`);
      await enqueue(database, type);
      const first = await scan(database, [type]);
      equal(first.count, 1);
      await sql!("commit");
      const second = await scan(database, [type], first.seen);
      equal(second.count, 1);
      equal((await scan(database, [type], second.seen)).count, 0);
    },
  },
  {
    name:
      "workers with different types take turns, and each type's new tasks are found by the one that can do them",
    async run({ database }) {
      const [a, b] = [unique("a"), unique("b")];
      const { seen } = await scan(database, [a, b]);
      await enqueue(database, a);
      await enqueue(database, b);
      const first = await scan(database, [a], seen);
      deepEqual([first.count, first.by_type], [1, { [a]: 1 }]);
      deepEqual((await scan(database, [b], first.seen)).by_type, { [b]: 1 });
    },
  },
  {
    name: "a scan may ask for a reward and a currency, and adds rewards up",
    async run({ database }) {
      const type = unique("type");
      for (const [reward, currency] of [["5", "USD"], ["0.1", "USD"], ["7", "EUR"], ["5.50", "USD"]]) {
        await enqueue(database, type, 1, { reward, currency });
      }
      await enqueue(database, type);
      const { count, rewards } = await scan(database, [type], {}, { p_min_reward: "5", p_currency: "USD" });
      deepEqual([count, rewards], [2, [{ currency: "USD", amount: "10.50" }]]);
    },
  },
  {
    name: "paused types are not claimable, and found when they are resumed",
    async run({ database }) {
      const type = unique("type");
      await database.call("actp_pause_tasks", { p_pattern: type });
      await enqueue(database, type);
      const paused = await scan(database, [type]);
      equal(paused.count, 0);
      await database.call("actp_resume_tasks", { p_pattern: type });
      equal((await scan(database, [type], paused.seen)).count, 1);
    },
  },
  {
    name: "a scan counts no further than it is told, and what it did not count is told as well",
    async run({ database }) {
      const [one, two] = [unique("one"), unique("two")];
      await enqueue(database, one, 30);
      await enqueue(database, two, 30);
      const { count, capped, seen } = await scan(database, [one, two], {}, { p_limit: 20 });
      deepEqual([count, capped], [20, true]);
      equal((await scan(database, [one, two], seen)).count, 0);
    },
  },
  {
    name:
      "the summary counts what was done, failed and tried again, and groups errors that differ in numbers only",
    async run({ database }) {
      const before = await database.call<Summary>("actp_activity_summary");
      await settle(database, "w", await claimNew(database, "w"), { outcome: "done", output: 1 });
      const type = unique("type");
      const error = (n: number) => `${type} cannot read part ${n} of ${crypto.randomUUID()}`;
      for (const n of [1, 2, 3, 4, 5, 6]) {
        await enqueue(database, type);
        const [task] = await claim(database, "w", type);
        await settle(database, "w", task!, {
          outcome: "failed",
          error: error(n),
          retry: n === 1,
          duration_ms: 1000,
        });
      }
      const after = await database.call<Summary>("actp_activity_summary");
      deepEqual([after.done - before.done, after.failed - before.failed, after.retried - before.retried], [
        1,
        5,
        1,
      ]);
      const [top] = after.top_errors.filter((error) => error.task_type === type);
      equal(top!.count, 6);
      ok(top!.error.startsWith(`${type} cannot read part `));
    },
  },
  {
    name: "what an AI cost is summed where it is logged",
    needs: "sql",
    async run({ database, sql }) {
      const cost = async () => Number((await database.call<Summary>("actp_activity_summary")).ai_cost_usd);
      const before = await cost();
      await sql!(
        "insert into public.anthropic_cost_log (model, input_tokens, output_tokens, cost_usd, called_at) values ('m', 1, 1, 0.25, now()), ('m', 1, 1, 9, now() - interval '2 days')",
      );
      equal(await cost() - before, 0.25);
    },
  },
  {
    name: "deadlines show while their tasks are open, pending or running",
    async run({ database }) {
      const type = unique("type");
      const [near] = await enqueue(database, type, 1, { deadline: inMinutes(30) });
      await enqueue(database, type, 1, { deadline: inMinutes(600), priority: -1 });
      deepEqual((await itemsOf(database, "deadline", type)).map(({ task_id }) => task_id), [near]);
      const [task] = await claim(database, "w", type);
      deepEqual((await itemsOf(database, "deadline", type)).map(({ task_id, detail }) => [task_id, detail]), [
        [near, "claimed"],
      ]);
      await settle(database, "w", task!, { outcome: "done" });
      deepEqual(await itemsOf(database, "deadline", type), []);
    },
  },
  {
    name: "leases at risk, tasks over their time limit, and tasks that failed for good show",
    needs: "sql",
    async run({ database, sql }) {
      const type = unique("type");
      await enqueue(database, type, 2);
      const tasks = await claim(database, "w", type, 2);
      deepEqual(await itemsOf(database, "lease", type), []);
      await sql!(
        `update public.actp_workflow_tasks set heartbeat_at = now() - interval '50 seconds', lease_expires_at = now() + interval '10 seconds', claimed_at = now() - interval '2 hours' where id = '${
          tasks[0]!.id
        }'`,
      );
      deepEqual((await itemsOf(database, "lease", type)).map(({ task_id }) => task_id), [tasks[0]!.id]);
      deepEqual((await itemsOf(database, "stuck", type)).map(({ task_id }) => task_id), [tasks[0]!.id]);
      for (const task of tasks) {
        await settle(database, "w", task, { outcome: "failed", error: "no", retry: task === tasks[1] });
      }
      const dead = await itemsOf(database, "dead", type);
      deepEqual(dead.map(({ task_id, detail }) => [task_id, detail]), [[tasks[0]!.id, "no"]]);
      await database.call("actp_retry_task", { p_task_id: tasks[0]!.id });
      deepEqual(await itemsOf(database, "dead", type), []);
    },
  },
  {
    name: "a type whose tasks nobody takes shows, unless it is paused",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 3, { run_at: inMinutes(-45) });
      const [item] = await itemsOf(database, "waiting", type);
      equal(item!.count, 3);
      await database.call("actp_pause_tasks", { p_pattern: type });
      deepEqual(await itemsOf(database, "waiting", type), []);
      await database.call("actp_resume_tasks", { p_pattern: type });
    },
  },
  {
    name: "open disputes show until they are resolved",
    async run({ database }) {
      const type = unique("type");
      const [task] = await enqueue(database, type);
      const { id } = await database.call<{ id: string }>("actp_open_dispute", {
        p_task_id: task,
        p_reason: "late",
        p_opened_by: "ann",
      });
      deepEqual((await itemsOf(database, "dispute", type)).map(({ key, detail }) => [key, detail]), [
        [`dispute ${id}`, "late"],
      ]);
      await database.call("actp_resolve_dispute", { p_id: id, p_by: "ann", p_status: "withdrawn" });
      deepEqual(await itemsOf(database, "dispute", type), []);
    },
  },
];
