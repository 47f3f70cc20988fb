/** Goals: claimed once, held by a lease, settled once. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { type Clock, systemClock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { enqueueGoal, Goals, type HeldGoal, type NewGoal, type StopReason } from "../goals.ts";
import type { RunOutcome, RunStop } from "../loop/outcome.ts";
import type { Cases } from "./cases.ts";

const never = new AbortController().signal;
/** The time between two renewals passes at once. */
const QUICK: Clock = {
  ...systemClock,
  sleep: (ms, signal) => ms === 15_000 ? Promise.resolve() : systemClock.sleep(ms, signal),
};
const unique = () => `agent-${crypto.randomUUID().slice(0, 8)}`;

function goalsOf(database: Database, type: string, holder = `w/${type}/one`): Goals {
  return new Goals(database, type, holder, systemClock);
}

async function add(database: Database, type: string, more: Partial<NewGoal> = {}): Promise<string> {
  return (await enqueueGoal(database, { agent_type: type, goal: "do it", ...more })).id;
}

function outcome(stop: RunStop, more: Partial<RunOutcome> = {}): RunOutcome {
  return { stop, text: "", retry: false, iterations: 1, toolsUsed: [], costUsd: 0.5, ...more };
}

interface GoalRow {
  readonly status: string;
  readonly attempts: number;
  readonly result: Record<string, unknown> | null;
  readonly error: string | null;
  readonly run_at: string;
  readonly completed_at: string | null;
}

function get(database: Database, id: string): Promise<GoalRow> {
  return database.call("actp_get_agent_task", { p_id: id });
}

export const goalCases: Cases = {
  async "a goal is claimed once, with its context, and settled with its result"(database) {
    const type = unique();
    const id = await add(database, type, { context: { niche: "fitness" }, source: "api" });
    const goals = goalsOf(database, type);
    const held = (await goals.claim(never))!;
    deepEqual([held.id, held.goal, held.context, held.attempts, held.source], [
      id,
      "do it",
      { niche: "fitness" },
      1,
      "api",
    ]);
    equal(await goalsOf(database, type, "other").claim(never), undefined);
    equal(await goals.settle(held, outcome("end_turn", { text: "done\0" })), "settled");
    equal(await goals.settle(held, outcome("end_turn")), "settled");
    const row = await get(database, id);
    deepEqual([row.status, row.result, row.error], [
      "succeeded",
      { stop: "end_turn", text: "done\uFFFD", cost_usd: 0.5 },
      null,
    ]);
  },

  async "the most urgent goal comes first, then the oldest"(database) {
    const type = unique();
    const ids = [];
    for (const priority of ["LOW", "NORMAL", "CRITICAL", "HIGH", "NORMAL"] as const) {
      ids.push(await add(database, type, { priority }));
    }
    const goals = goalsOf(database, type);
    const order = [];
    for (let held = await goals.claim(never); held; held = await goals.claim(never)) {
      order.push(ids.indexOf(held.id));
    }
    deepEqual(order, [2, 3, 1, 4, 0]);
  },

  async "two processes that claim at once never get the same goal"(database) {
    const type = unique();
    for (let n = 0; n < 6; n++) await add(database, type);
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, n) => goalsOf(database, type, `w/${type}/${n}`).claim(never)),
    );
    const ids = claims.flatMap((held) => held?.id ?? []);
    deepEqual([ids.length, new Set(ids).size], [6, 6]);
  },

  async "a goal that nobody takes in time expires"(database) {
    const type = unique();
    const id = await add(database, type, { expires_at: "2020-01-01T00:00:00Z" });
    equal(await goalsOf(database, type).claim(never), undefined);
    equal((await get(database, id)).status, "expired");
  },

  async "a goal for later waits"(database) {
    const type = unique();
    await add(database, type, { run_at: new Date(Date.now() + 60_000).toISOString() });
    equal(await goalsOf(database, type).claim(never), undefined);
  },

  async "a failure is tried again later, and after the last attempt it has failed"(database) {
    const type = unique();
    const id = await add(database, type, { max_attempts: 2 });
    const goals = goalsOf(database, type);
    const first = (await goals.claim(never))!;
    await goals.settle(first, outcome("error", { error: "no network", retry: true }));
    const waiting = await get(database, id);
    equal(waiting.status, "pending");
    ok(Date.parse(waiting.run_at) > Date.now() + 15_000);
    equal(await goals.claim(never), undefined);
  },

  async "a failure that another attempt cannot help is final"(database) {
    const type = unique();
    const id = await add(database, type);
    const goals = goalsOf(database, type);
    await goals.settle((await goals.claim(never))!, outcome("refusal", { error: "the model refused" }));
    const row = await get(database, id);
    deepEqual([row.status, row.error], ["failed", "the model refused"]);
  },

  async "a released goal is due at once, and the attempt does not count"(database) {
    const type = unique();
    await add(database, type);
    const goals = goalsOf(database, type);
    await goals.settle((await goals.claim(never))!, outcome("released"));
    equal((await goals.claim(never))!.attempts, 1);
  },

  async "a process that was killed leaves its goal to its successor at once"(database) {
    const type = unique();
    const id = await add(database, type);
    const killed = goalsOf(database, type, `w/${type}/killed`);
    const held = (await killed.claim(never))!;
    const { id: runId } = await database.call<{ id: string }>("actp_begin_agent_run", {
      p_run: { agent_id: type, goal: "do it", task_id: id, holder: `w/${type}/killed` },
    });
    const successor = goalsOf(database, type, `w/${type}/next`);
    await successor.rescue(never);
    const again = (await successor.claim(never))!;
    deepEqual([again.id, again.attempts], [id, 2]);
    equal(await killed.settle(held, outcome("end_turn")), "lost");
    equal(
      (await database.call<{ status: string }>("actp_get_agent_run", { p_run_id: runId })).status,
      "lost",
    );
    equal(await successor.settle(again, outcome("end_turn")), "settled");
  },

  async "a goal whose lease has run out is anybody's, until its attempts are used up"(database) {
    const type = unique();
    const id = await add(database, type, { max_attempts: 2 });
    const claim = () =>
      database.call<HeldGoal[]>("actp_claim_agent_task", {
        p_agent_type: type,
        p_holder: "h",
        p_lease_seconds: 0,
      });
    equal((await claim()).length, 1);
    equal((await claim()).length, 1);
    equal((await claim()).length, 0);
    const row = await get(database, id);
    equal(row.status, "failed");
    match(row.error!, /attempt 2 of 2: the agent stopped answering/);
  },

  async "a waiting goal is cancelled at once, one in progress at its next sign of life"(database) {
    const type = unique();
    const cancel = (id: string) =>
      database.call<GoalRow>("actp_cancel_agent_task", { p_id: id, p_reason: "changed my mind" });
    equal((await cancel(await add(database, type))).status, "cancelled");
    const id = await add(database, type);
    const goals = new Goals(database, type, "h", QUICK);
    const held = (await goals.claim(never))!;
    equal((await cancel(id)).status, "running");
    const stops: StopReason[] = [];
    await goals.keep(held, (why) => stops.push(why), never);
    deepEqual(stops, ["cancelled"]);
    await goals.settle(held, outcome("cancelled", { error: "cancelled" }));
    equal((await get(database, id)).status, "cancelled");
    await rejects(cancel(id), /is cancelled already/);
  },

  async "the same key makes one goal"(database) {
    const type = unique();
    const key = crypto.randomUUID();
    const first = await add(database, type, { idempotency_key: key });
    deepEqual(await enqueueGoal(database, { agent_type: type, goal: "other", idempotency_key: key }), {
      id: first,
      created: false,
    });
  },

  async "a bad goal is refused by the name of its field"(database) {
    const bad = (goal: Record<string, unknown>, message: RegExp) =>
      rejects(enqueueGoal(database, goal as unknown as NewGoal), message);
    await bad({ agent_type: "a", goal: "" }, /goal must have/);
    await bad({ agent_type: "", goal: "x" }, /agent_type must have/);
    await bad({ agent_type: "a", goal: "x", priority: "URGENT" }, /priority must be/);
    await bad({ agent_type: "a", goal: "x", expires_at: "soon" }, /expires_at must be/);
    await bad({ agent_type: "a", goal: "x", context: [1] }, /context must be/);
  },

  async "goals are listed newest first, and by page, also those of one tick of the clock"(database) {
    const type = unique();
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.unshift(await add(database, type));
    const list = (more: Record<string, unknown>) =>
      database.call<{ id: string }[]>("actp_list_agent_tasks", { p_agent_type: type, ...more });
    deepEqual((await list({ p_limit: 5 })).map(({ id }) => id), ids.slice(0, 5));
    deepEqual((await list({ p_before: ids[4] })).map(({ id }) => id), ids.slice(5));
  },
};
