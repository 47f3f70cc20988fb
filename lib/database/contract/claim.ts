/** Claiming and keeping: who gets which task, and for how long. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { beat, type Case, claim, claimNew, enqueue, get, secondsUntil, settle, unique } from "./case.ts";

export const claimCases: Case[] = [
  {
    name: "a claim takes no more than the free room, and nothing without room or types",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 5);
      deepEqual(await claim(database, "w", type, 0), []);
      deepEqual(await claim(database, "w", [], 5), []);
      equal((await claim(database, "w", type, 3)).length, 3);
      equal((await claim(database, "w", [type, type], 3)).length, 2);
      deepEqual(await claim(database, "w", type, 3), []);
    },
  },
  {
    name: "higher priority goes first, then what was due first, over all types",
    async run({ database }) {
      const [a, b] = [unique("type"), unique("type")];
      const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
      const enqueued = [
        [a, 0, at(3)],
        [b, 0, at(1)],
        [a, 5, at(9)],
        [b, 5, at(8)],
        [a, -1, at(0)],
      ] as const;
      const ids: string[] = [];
      for (const [type, priority, run_at] of enqueued) {
        ids.push(...await enqueue(database, type, 1, { priority, run_at }));
      }
      const order = [3, 2, 1, 0, 4].map((place) => ids[place]);
      deepEqual((await claim(database, "w", [a, b], 3)).map(({ id }) => id), order.slice(0, 3));
      deepEqual((await claim(database, "w", [a, b], 3)).map(({ id }) => id), order.slice(3));
    },
  },
  {
    name: "only the types asked for are claimed",
    async run({ database }) {
      const [known, unknown] = [unique("type"), unique("type")];
      await enqueue(database, unknown, 2, { priority: 9 });
      const [id] = await enqueue(database, known);
      deepEqual((await claim(database, "w", known, 5)).map((task) => task.id), [id]);
    },
  },
  {
    name: "what a worker excepts by a field of the input is left to others, whatever else it claims",
    async run({ database }) {
      const [post, other] = [unique("type"), unique("type")];
      const ids: string[] = [];
      for (const input_data of [{ to: "a" }, { to: "b" }, { to: ["a"] }, { to: null }, {}]) {
        ids.push(...await enqueue(database, post, 1, { input_data }));
      }
      const [free] = await enqueue(database, other, 1, { input_data: { to: "a" } });
      const except = { [post]: { to: ["a", "c"] } };
      const claimed = await claim(database, "w1", [post, other], 20, 60, undefined, except);
      deepEqual(claimed.map(({ id }) => id).sort(), [...ids.slice(1), free].sort());
      const rooms = { [post]: 5 };
      deepEqual(await claim(database, "w1", post, 20, 60, rooms, except), []);
      deepEqual((await claim(database, "w2", post, 20, 60, rooms, {})).map(({ id }) => id), [ids[0]]);
    },
  },
  {
    name: "a claimed task shows its holder, attempt, token and lease",
    async run({ database }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { execution_id: crypto.randomUUID(), priority: 4 });
      const [claimed] = await claim(database, "w1", type, 1, 90);
      const row = await get(database, id!);
      deepEqual(
        [
          claimed!.id,
          claimed!.task_type,
          claimed!.input_data,
          claimed!.attempt,
          claimed!.token,
          claimed!.lease_seconds,
        ],
        [id, type, { n: 0 }, 1, "1", 90],
      );
      deepEqual([row.status, row.claimed_by, row.attempts, row.token], ["claimed", "w1", 1, "1"]);
      const lease = await secondsUntil(database, String(row.lease_expires_at));
      ok(lease > 30 && lease <= 90, `lease of ${lease} s`);
      const held = await database.call<TaskId[]>("actp_held_tasks", { p_worker_id: "w1" });
      ok(held.some((task) => task.id === id));
    },
  },
  {
    name: "the token grows with every claim",
    async run({ database }) {
      const first = await claimNew(database, "w");
      await settle(database, "w", first, { outcome: "released" });
      const [second] = await claim(database, "w", first.task_type);
      equal(second!.id, first.id);
      equal(BigInt(second!.token), BigInt(first.token) + 1n);
    },
  },
  {
    name: "claimers at the same time never get the same task, and together get all",
    needs: "other",
    async run({ database, other }) {
      const type = unique("type");
      const ids = await enqueue(database, type, 200);
      const claimed: string[] = [];
      const drain = async (client: typeof database, worker: string) => {
        for (let empty = 0; empty < 3;) {
          const tasks = await claim(client, worker, type, 1 + claimed.length % 5);
          claimed.push(...tasks.map(({ id }) => id));
          empty = tasks.length ? 0 : empty + 1;
        }
      };
      await Promise.all([drain(database, "a"), drain(other!, "b"), drain(database, "c"), drain(other!, "d")]);
      equal(claimed.length, 200);
      deepEqual(claimed.toSorted(), ids.toSorted());
    },
  },
  {
    name: "a claim without worker, room or lease in their bounds is refused by name",
    async run({ database }) {
      const good = { p_worker_id: "w", p_types: ["x"], p_room: 1, p_lease_seconds: 60 };
      const bad = [
        { p_worker_id: "" },
        { p_worker_id: null },
        { p_room: -1 },
        { p_room: null },
        { p_room: 1001 },
        {
          p_lease_seconds: null,
        },
        { p_lease_seconds: -1 },
        { p_lease_seconds: 86_401 },
      ];
      for (const change of bad) {
        await rejects(database.call("actp_claim_tasks", { ...good, ...change }), {
          code: "PT400",
          transient: false,
          message: new RegExp(Object.keys(change)[0]!),
        });
      }
    },
  },
  {
    name: "a heartbeat makes the task running, keeps its progress and renews its lease",
    async run({ database }) {
      const task = await claimNew(database, "w");
      equal(await beat(database, "w", task, { percent: 40, message: "rendering" }), "ok");
      const first = await get(database, task.id);
      deepEqual([first.status, first.progress], ["running", { percent: 40, message: "rendering" }]);
      equal(await beat(database, "w", task), "ok");
      const second = await get(database, task.id);
      deepEqual(second.progress, first.progress, "a beat without progress keeps what was known");
      equal(second.started_at, first.started_at);
      ok(Date.parse(String(second.lease_expires_at)) >= Date.parse(String(first.lease_expires_at)));
    },
  },
  {
    name: "a heartbeat learns of a cancel, and is lost for another token, worker or task",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const other = await claimNew(database, "w");
      await database.call("actp_cancel_task", { p_task_id: task.id, p_reason: "no longer wanted" });
      const beats = [
        { task_id: task.id, token: task.token },
        { task_id: other.id, token: other.token },
        { task_id: crypto.randomUUID(), token: "1" },
        { task_id: other.id, token: "7" },
      ];
      const args = { p_worker_id: "w", p_beats: beats };
      deepEqual(await database.call("actp_heartbeat_tasks", args), ["cancel", "ok", "lost", "lost"]);
      equal(await beat(database, "someone else", other), "lost");
      await settle(database, "w", other, { outcome: "done" });
      equal(await beat(database, "w", other), "lost");
      deepEqual(await database.call("actp_heartbeat_tasks", { p_worker_id: "w", p_beats: [] }), []);
    },
  },
  {
    name: "a lease that ran out returns the task to the queue, and its former holder has lost it",
    async run({ database }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { max_attempts: 2 });
      const [first] = await claim(database, "gone", type, 1, 0);
      const [second] = await claim(database, "next", type);
      deepEqual([second!.id, second!.attempt, second!.token], [id, 2, "2"]);
      equal(await beat(database, "gone", first!), "lost");
      equal(await settle(database, "gone", first!, { outcome: "done", output: 1 }), "lost");
      equal(await beat(database, "next", second!), "ok");
      const row = await get(database, id!);
      deepEqual([row.history[0]!.outcome, row.history[0]!.worker_id], ["lost", "gone"]);
      const late = row.history[0]!.late_report as { outcome: string; worker_id: string };
      deepEqual([late.outcome, late.worker_id, row.output_data], ["done", "gone", null]);
    },
  },
  {
    name: "a rescued task fails when it is out of attempts, and is cancelled when that was asked",
    async run({ database }) {
      const type = unique("type");
      const [spent, unwanted] = await enqueue(database, type, 2, { max_attempts: 1 });
      await claim(database, "gone", type, 2, 0);
      await database.call("actp_cancel_task", { p_task_id: unwanted });
      const rescued = await database.call<{ id: string; status: string; held_by: string }[]>(
        "actp_rescue_tasks",
      );
      const of = (id?: string) => rescued.find((task) => task.id === id);
      deepEqual(of(spent), { id: spent, status: "failed", held_by: "gone" });
      deepEqual(of(unwanted), { id: unwanted, status: "cancelled", held_by: "gone" });
      const row = await get(database, spent!);
      equal(row.error, "attempt 1 of 1: the worker stopped answering and its lease ran out");
      ok(row.completed_at);
      deepEqual(await database.call("actp_rescue_tasks"), [], "the second rescue finds nothing");
    },
  },
  {
    name: "a worker that restarted gives back what it held, and nothing of others",
    async run({ database }) {
      const [mine, theirs] = [unique("worker"), unique("worker")];
      const type = unique("type");
      await enqueue(database, type, 3);
      const held = await claim(database, mine, type, 2);
      const [other] = await claim(database, theirs, type);
      const rescued = await database.call<TaskId[]>("actp_rescue_tasks", { p_held_by: mine });
      deepEqual(rescued.map(({ id }) => id).toSorted(), held.map(({ id }) => id).toSorted());
      deepEqual(await database.call("actp_rescue_tasks", { p_held_by: mine }), []);
      equal(await beat(database, theirs, other!), "ok");
      deepEqual(await database.call("actp_held_tasks", { p_worker_id: mine }), []);
    },
  },
];

interface TaskId {
  readonly id: string;
}
