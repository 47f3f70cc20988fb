/** Runs with what they cost, and what agents remember. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { recall } from "../memory.ts";
import { beginRun, readSpending, type RunRecord } from "../records.ts";
import type { Budgets } from "../settings.ts";
import type { Cases } from "./cases.ts";

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
const unique = () => `agent-${crypto.randomUUID().slice(0, 8)}`;

function begin(database: Database, agentId: string, budgets: Budgets = {}): Promise<RunRecord> {
  const run = { agentId, goal: "a goal", holder: "w/a/1", workerId: "w", model: "m" };
  return beginRun(run, { database, clock: systemClock, budgets });
}

/** A call of the model that is over, at this cost. */
async function spend(record: RunRecord, costUsd: number): Promise<void> {
  const leave = await record.beginModelCall("m", costUsd);
  ok(leave.allowed);
  const use = { input: 10, output: 20, cacheRead: 30, cacheWrite: 40 };
  await record.endModelCall({ callId: leave.callId, status: "done", use, costUsd, durationMs: 5 });
}

export const recordCases: Cases = {
  async "a run keeps its tokens, its cost, its tool calls and its end"(database) {
    const record = await begin(database, unique());
    await spend(record, 0.25);
    await spend(record, 0.5);
    await record.toolCall({
      tool: "look",
      input: { a: "\0" },
      result: "found",
      failed: false,
      durationMs: 7,
    });
    await record.toolCall({ tool: "look", input: {}, result: "no", failed: true, durationMs: 8 });
    const outcome = { text: "good", retry: false, iterations: 2, toolsUsed: ["look"], costUsd: 0.75 };
    await record.end({ ...outcome, stop: "end_turn" }, 1_234.5);
    const run = await database.call<Record<string, unknown>>("actp_get_agent_run", {
      p_run_id: record.runId,
    });
    const { status, outcome: said, cost_usd, input_tokens, cache_read_tokens, iterations, worker_id } = run;
    deepEqual({ status, said, cost_usd, input_tokens, cache_read_tokens, iterations, worker_id }, {
      status: "succeeded",
      said: "good",
      cost_usd: 0.75,
      input_tokens: 20,
      cache_read_tokens: 60,
      iterations: 2,
      worker_id: "w",
    });
    deepEqual(
      (run.tool_calls as { success: boolean; tool_input: unknown }[]).map(({ success, tool_input }) => [
        success,
        tool_input,
      ]),
      [[true, { a: "\uFFFD" }], [false, {}]],
    );
  },

  async "a run ends once"(database) {
    const record = await begin(database, unique());
    const outcome = { text: "", retry: false, iterations: 1, toolsUsed: [], costUsd: 0 };
    await record.end({ ...outcome, stop: "error", error: "first" }, 1);
    await record.end({ ...outcome, stop: "end_turn" }, 1);
    const run = await database.call<Record<string, unknown>>("actp_get_agent_run", {
      p_run_id: record.runId,
    });
    deepEqual([run.status, run.error], ["failed", "first"]);
  },

  async "the budget of a run counts what is on its way, and frees it when it cost less"(database) {
    const record = await begin(database, unique(), { runUsd: 1 });
    const first = await record.beginModelCall("m", 0.75);
    ok(first.allowed);
    equal(first.leftUsd, 1);
    const refused = await record.beginModelCall("m", 0.5);
    ok(!refused.allowed);
    match(
      refused.why,
      /^the budget of this run is used up: \$0\.75 of \$1\.00 \(AGENT_RUN_BUDGET_USD\), the next/,
    );
    await record.endModelCall({
      callId: first.callId,
      status: "failed",
      use: NO_TOKENS,
      costUsd: 0,
      durationMs: 1,
    });
    ok((await record.beginModelCall("m", 0.5)).allowed);
  },

  async "the budget of a day is one agent's, that of a month is all agents'"(database) {
    const [one, other] = [unique(), unique()];
    await spend(await begin(database, one), 2);
    const { month_usd } = await readSpending(database, one);
    const day = { dayUsd: 2.5 };
    const refused = await (await begin(database, one, day)).beginModelCall("m", 1);
    match(refused.allowed ? "" : refused.why, /this agent and day .*AGENT_DAILY_BUDGET_USD/);
    ok((await (await begin(database, other, day)).beginModelCall("m", 0)).allowed);
    const month = { monthUsd: month_usd + 0.5 };
    const all = await (await begin(database, other, month)).beginModelCall("m", 1);
    match(all.allowed ? "" : all.why, /all agents this month .*AGENT_MONTHLY_BUDGET_USD/);
  },

  async "agents that ask at once do not spend the same rest of a budget"(database) {
    const agent = unique();
    const records = await Promise.all(
      Array.from({ length: 8 }, () => begin(database, agent, { dayUsd: 3.5 })),
    );
    const leaves = await Promise.all(records.map((record) => record.beginModelCall("m", 1)));
    equal(leaves.filter(({ allowed }) => allowed).length, 3);
  },

  async "an agent remembers, finds again and forgets"(database) {
    const agent = unique();
    const remember = (key: string, value: unknown) =>
      database.call("actp_agent_remember", { p_agent_id: agent, p_key: key, p_value: value });
    await remember("niche.best", "Fitness");
    await remember("count", 3);
    await remember("count", 4);
    deepEqual((await recall(database, agent)).map(({ key, value }) => [key, value]), [
      ["count", 4],
      ["niche.best", "Fitness"],
    ]);
    deepEqual((await recall(database, agent, "fitness")).map(({ key }) => key), ["niche.best"]);
    deepEqual(await recall(database, unique()), []);
    await remember("count", null);
    equal((await recall(database, agent)).length, 1);
    await rejects(remember("", 1), /p_key must have/);
    await rejects(remember("big", "x".repeat(10_001)), /at most 10000/);
  },
};
