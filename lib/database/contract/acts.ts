/** Outward acts: agreed to, done once, remembered. */
import assert from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import { type GateOptions, outwardActs } from "../../outward/acts.ts";
import { type OutwardAct, ReleaseError, TaskError } from "../../task/task.ts";
import type { Database } from "../database.ts";
import { type Case, claim, type Claimed, claimNew, get, secondsUntil, settle } from "./case.ts";

const POST: OutwardAct = {
  kind: "post",
  platform: "tiktok",
  account: "me",
  summary: "post a.mp4 to tiktok",
  preview: { caption: "hello", video: "a.mp4" },
};

interface ActRow {
  readonly id: string;
  readonly status: string;
  readonly task_id: string;
  readonly decided_by: string | null;
  readonly result: unknown;
  readonly error: string | null;
}

function gate(database: Database, task: Claimed, options: Partial<GateOptions> = {}) {
  const all = { database, clock: systemClock, workerId: "w", trusted: [], expiresMs: 60_000, ...options };
  return outwardActs(all, "workflow", task, new AbortController().signal);
}

async function actOf(database: Database, { id }: Claimed): Promise<ActRow> {
  const acts = await database.call<ActRow[]>("actp_list_acts", { p_limit: 500 });
  return acts.find((act) => act.task_id === id)!;
}

function decide(database: Database, id: string, approve: boolean, reason?: string): Promise<ActRow> {
  const told = { p_id: id, p_approve: approve, p_by: "ann", p_reason: reason };
  return database.call("actp_decide_act", told);
}

const waits = (asking: Promise<unknown>) => assert.rejects(asking, ReleaseError);
const refused = (asking: Promise<unknown>, message: RegExp) =>
  assert.rejects(asking, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.equal(error.retry, false);
    assert.match(error.message, message);
    return true;
  });

/** Releases the task and claims it again, as the next attempt. */
async function nextAttempt(database: Database, task: Claimed): Promise<Claimed> {
  await settle(database, "w", task, { outcome: "released" });
  const [again] = await claim(database, "w", task.task_type);
  assert.ok(again, "the task is not due");
  return again;
}

export const actCases: readonly Case[] = [
  {
    name: "a task that waits for approval is due when that has been given, and the wait is no attempt",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await waits(gate(database, task).ask(POST));
      await settle(database, "w", task, { outcome: "released" });
      assert.deepEqual(await claim(database, "w", task.task_type), []);
      const wait = await secondsUntil(database, (await get(database, task.id)).run_at);
      assert.ok(wait > 30 && wait <= 60, `${wait} s`);
      const act = await actOf(database, task);
      assert.equal(act.status, "proposed");
      const awaited = () =>
        database.call<Record<string, Record<string, unknown>>>("actp_tasks_awaiting_approval", {
          p_task_ids: [task.id, crypto.randomUUID()],
        });
      assert.deepEqual(
        Object.entries(await awaited()).map(([id, { id: approval, summary }]) => [id, approval, summary]),
        [[task.id, act.id, POST.summary]],
      );
      assert.equal((await decide(database, act.id, true)).decided_by, "ann");
      assert.deepEqual(await awaited(), {});
      const [again] = await claim(database, "w", task.task_type);
      assert.equal(again?.attempt, 1);
      assert.equal(await gate(database, again!).perform(POST, () => Promise.resolve("done")), "done");
    },
  },
  {
    name: "a word given before the task went back to the queue makes it due at once",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await waits(gate(database, task).ask(POST));
      await decide(database, (await actOf(database, task)).id, true);
      await nextAttempt(database, task);
    },
  },
  {
    name: "an act is done once: later attempts get its result",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const trusted = { trusted: ["workflow"] };
      const first = await gate(database, task, trusted).perform(POST, () => Promise.resolve({ url: "u" }));
      const again = await nextAttempt(database, task);
      const second = await gate(database, again, trusted).perform(POST, () => assert.fail("done twice"));
      assert.deepEqual([first, second], [{ url: "u" }, { url: "u" }]);
      assert.equal((await actOf(database, task)).decided_by, "trusted queue workflow");
    },
  },
  {
    name: "an act that always asks is not agreed to by trust in its queue",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await waits(gate(database, task, { trusted: ["workflow"] }).ask({ ...POST, alwaysAsk: true }));
    },
  },
  {
    name: "a rejection fails the task, and retrying it asks anew",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await waits(gate(database, task).ask(POST));
      await decide(database, (await actOf(database, task)).id, false, "wrong day");
      const again = await nextAttempt(database, task);
      await refused(gate(database, again).ask(POST), /^rejected by ann: wrong day/);
      await waits(gate(database, again).ask(POST));
    },
  },
  {
    name: "a proposal that nobody answers in time fails the task, and can no longer be approved",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const soon = { expiresMs: 1 };
      await waits(gate(database, task, soon).ask(POST));
      await systemClock.sleep(20);
      const { id, status } = await actOf(database, task);
      assert.equal(status, "expired");
      await assert.rejects(decide(database, id, true), /has expired/);
      await refused(gate(database, task, soon).ask(POST), /nobody approved it before/);
    },
  },
  {
    name: "an act that surely did not happen may be done by the next attempt",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const trusted = { trusted: ["workflow"] };
      const failing = () => Promise.reject(new TaskError("the site is down", { retry: true }));
      await assert.rejects(gate(database, task, trusted).perform(POST, failing), /the site is down/);
      const act = await actOf(database, task);
      assert.deepEqual([act.status, act.error], ["approved", "the site is down"]);
      const again = await nextAttempt(database, task);
      assert.equal(await gate(database, again, trusted).perform(POST, () => Promise.resolve(1)), 1);
    },
  },
  {
    name: "an act that broke off is not done again until a person says that it did not happen",
    async run({ database }) {
      const task = await claimNew(database, "w");
      const trusted = { trusted: ["workflow"] };
      const broken = () => Promise.reject(new Error("the connection was cut"));
      await refused(gate(database, task, trusted).perform(POST, broken), /cut; it is not known whether/);
      const again = await nextAttempt(database, task);
      await refused(
        gate(database, again, trusted).ask(POST),
        /an earlier attempt broke off; it is not known/,
      );
      await settle(database, "w", again, { outcome: "failed", retry: false });
      await decide(database, (await actOf(database, task)).id, true);
      await database.call("actp_retry_task", { p_task_id: task.id });
      const [third] = await claim(database, "w", task.task_type);
      assert.equal(await gate(database, third!).perform(POST, () => Promise.resolve(3)), 3);
    },
  },
  {
    name: "an act that is being done cannot be decided about",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await gate(database, task, { trusted: ["workflow"] }).perform(POST, async () => {
        const { id } = await actOf(database, task);
        await assert.rejects(decide(database, id, true), /being done right now/);
      });
      await assert.rejects(decide(database, (await actOf(database, task)).id, false), /is done already/);
    },
  },
  {
    name: "every task and every content is an act of its own",
    async run({ database }) {
      const [one, two] = [await claimNew(database, "w"), await claimNew(database, "w")];
      const trusted = { trusted: ["workflow"] };
      let done = 0;
      const count = () => Promise.resolve(++done);
      await gate(database, one, trusted).perform(POST, count);
      await gate(database, two, trusted).perform(POST, count);
      await gate(database, two, trusted).perform({ ...POST, preview: { caption: "other" } }, count);
      assert.equal(done, 3);
    },
  },
];
