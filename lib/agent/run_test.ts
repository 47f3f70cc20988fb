import { deepEqual, equal, match, ok } from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { systemClock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { serverDatabase } from "../testing/agent_databases.ts";
import { echoTool, postTool, testAgent, testSettings } from "../testing/agents.ts";
import { anthropicServer, type Turn } from "../testing/anthropic_server.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { needs } from "../testing/requirements.ts";
import { instantClock } from "../testing/instant_clock.ts";
import { AgentActs } from "./acts.ts";
import type { AgentDefinition, AgentTool } from "./agent.ts";
import { anthropicModel } from "./loop/anthropic.ts";
import type { MessagesRequest } from "../testing/anthropic_schema.ts";
import { type FinishedRun, runAgent, type RunGoal } from "./run.ts";
import type { AgentSettings } from "./settings.ts";

interface Setting {
  readonly script: readonly Turn[] | ((request: MessagesRequest, nth: number) => Turn);
  readonly agentId?: string;
  readonly tools?: readonly AgentTool[];
  readonly agent?: Partial<AgentDefinition>;
  readonly settings?: Partial<AgentSettings>;
  readonly goal?: Partial<RunGoal>;
  readonly signal?: AbortSignal;
}

/** Runs a goal to its end. */
async function run(
  database: Database,
  setting: Setting,
): Promise<FinishedRun & { requests: readonly MessagesRequest[]; agentId: string; record: RunRow }> {
  await using api = anthropicServer(setting.script);
  const agentId = setting.agentId ?? `agent-${crypto.randomUUID().slice(0, 8)}`;
  const settings = testSettings(setting.settings);
  const holder = `w/${agentId}/1`;
  const shared = { database, clock: systemClock, holder };
  const finished = await runAgent(
    {
      ...shared,
      agent: testAgent(agentId, setting.tools ?? [echoTool], setting.agent),
      settings,
      services: { setting: () => undefined, fetch },
      model: anthropicModel({ apiKey: api.key, baseUrl: api.url, clock: instantClock() }),
      acts: new AgentActs({
        ...shared,
        agentId,
        rules: settings.rules,
        expiresMs: settings.approvalExpiresMs,
        log: getLogger(["actp", "test"]),
      }),
    },
    { text: "reach it", ...setting.goal },
    setting.signal ?? new AbortController().signal,
  );
  deepEqual(api.refused, []);
  const record = await database.call<RunRow>("actp_get_agent_run", { p_run_id: finished.runId });
  return { ...finished, requests: api.requests, agentId, record };
}

interface RunRow {
  readonly status: string;
  readonly stop_reason: string;
  readonly outcome: string;
  readonly error: string | null;
  readonly cost_usd: number;
  readonly tools_used: string[];
  readonly tool_calls: { tool_name: string; tool_result: string; success: boolean }[];
}

Deno.test("runs of an agent, with their database", await needs("postgres"), async (test) => {
  await using subject = await serverDatabase();
  const { database } = subject;
  const step = (name: string, fn: () => Promise<void>) =>
    test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

  await step("a run is recorded with its tool calls, its tokens and its cost", async () => {
    const { stop, record, costUsd } = await run(database, {
      script: [{ calls: [{ name: "echo", input: { text: "hi" } }] }, { say: "reached" }],
    });
    equal(stop, "end_turn");
    deepEqual([record.status, record.outcome, record.tools_used], ["succeeded", "reached", ["echo"]]);
    deepEqual(record.tool_calls.map(({ tool_name, tool_result }) => [tool_name, tool_result]), [[
      "echo",
      "echo: hi",
    ]]);
    ok(costUsd > 0 && Math.abs(record.cost_usd - costUsd) < 1e-9);
  });

  await step("the model is told the time, the goal, its context and what the agent remembers", async () => {
    const remember = { name: "remember", input: { key: "best niche", value: "fitness" } };
    const { agentId } = await run(database, { script: [{ calls: [remember] }, { say: "ok" }] });
    const { requests } = await run(database, {
      agentId,
      goal: { text: "find more", context: { platform: "tiktok" } },
      script: [{ calls: [{ name: "recall", input: { query: "niche" } }] }, { say: "ok" }],
    });
    const told = requests[0]!.messages[0]!.content.map((block) => (block as { text: string }).text);
    match(told[0]!, /^It is 20\d\d-/);
    match(told[1]!, /best niche: fitness/);
    match(told[2]!, /"platform":"tiktok"/);
    equal(told[3], "Your goal: find more");
    match(JSON.stringify(requests[1]!.messages.at(-1)), /fitness/);
  });

  await step("an outward call only proposes, and the next run hears the decision", async () => {
    const posted: string[] = [];
    const tools = [postTool((text) => void posted.push(text))];
    const first = await run(database, {
      tools,
      script: [{ calls: [{ name: "post", input: { text: "hello" } }] }, { say: "it waits" }],
    });
    const answer = JSON.parse(first.record.tool_calls[0]!.tool_result);
    deepEqual([answer.status, posted], ["waiting for approval", []]);
    await database.call("actp_decide_act", {
      p_id: answer.approval_id,
      p_approve: false,
      p_by: "ann",
      p_reason: "not today",
    });
    const second = await run(database, { agentId: first.agentId, tools, script: [{ say: "I see" }] });
    match(JSON.stringify(second.requests[0]!.messages[0]), /post hello .*rejected by ann: not today/);
    const third = await run(database, { agentId: first.agentId, tools, script: [{ say: "fine" }] });
    ok(!JSON.stringify(third.requests[0]).includes("rejected by ann"));
  });

  await step("a decision that comes while the run goes on is told on a later turn", async () => {
    const decide: AgentTool = {
      ...echoTool,
      name: "decide",
      async run(_input, { agentId }) {
        const acts = await database.call<{ id: string; agent_id: string }[]>("actp_list_acts", {});
        const { id } = acts.find((act) => act.agent_id === agentId)!;
        await database.call("actp_decide_act", { p_id: id, p_approve: true, p_by: "ann" });
        return "decided";
      },
    };
    const { requests } = await run(database, {
      tools: [postTool(() => {}), decide],
      script: [
        { calls: [{ name: "post", input: { text: "a" } }] },
        { calls: [{ name: "decide", input: { text: "" } }] },
        { say: "good" },
      ],
    });
    match(JSON.stringify(requests[2]!.messages.at(-1)), /News of your earlier proposals.*approved by ann/);
  });

  await step("what a rule trusts is done within the call", async () => {
    const posted: string[] = [];
    const { record } = await run(database, {
      tools: [postTool((text) => void posted.push(text))],
      settings: { rules: [{ platform: "tiktok", perDay: 1 }] },
      script: [{
        calls: [{ name: "post", input: { text: "a" } }, { name: "post", input: { text: "b" } }],
      }, { say: "ok" }],
    });
    equal(posted.length, 1);
    deepEqual(
      record.tool_calls.map(({ tool_result }) => JSON.parse(tool_result).status).sort(),
      ["done", "waiting for approval"],
    );
  });

  await step("at the limit of a run's budget it stops and says so", async () => {
    const { stop, error, record } = await run(database, {
      settings: { budgets: { runUsd: 0.02 } },
      script: (_, nth) => ({ calls: [{ name: "echo", input: { text: `${nth}` } }], outputTokens: 900 }),
    });
    equal(stop, "budget");
    match(error!, /^the budget of this run is used up: \$0\.0\d+ of \$0\.020 \(AGENT_RUN_BUDGET_USD\)/);
    ok(record.cost_usd <= 0.02);
    equal(record.status, "stopped");
  });

  await step("a run that is stopped releases its goal, and keeps what it has cost", async () => {
    const stop = new AbortController();
    const stopping: AgentTool = {
      ...echoTool,
      run: () => (stop.abort("released"), new Promise(() => {})),
    };
    const { stop: why, record, retry } = await run(database, {
      tools: [stopping],
      signal: stop.signal,
      script: [{ calls: [{ name: "echo", input: { text: "" } }] }],
    });
    deepEqual([why, record.status, retry], ["released", "released", true]);
    ok(record.cost_usd > 0);
  });

  await step("a model that cannot be had is an error, worth another attempt", async () => {
    const { stop, error, retry, record } = await run(database, { script: () => ({ status: 529 }) });
    deepEqual([stop, retry, record.status], ["error", true, "failed"]);
    match(error!, /^The model cannot be had: Anthropic answered 529/);
    const wrong = await run(database, { script: [{ status: 404, message: "model: claude-x" }] });
    deepEqual([wrong.stop, wrong.retry], ["error", false]);
  });

  await step("a model whose price is not known counts as the dearest, with a warning", async () => {
    await using log = capturedLog();
    const models = { haiku: "x", sonnet: "my-own-model", opus: "x" };
    const { costUsd } = await run(database, {
      settings: { models },
      script: [{ say: "hi", outputTokens: 1_000 }],
    });
    ok(costUsd >= 0.05, `${costUsd}`);
    match(log.messages("agent").join("\n"), /the price of "?my-own-model"? is not known/);
  });

  await step(
    "an agent that only analyses with a stronger model asks it by a tool, within the budget",
    async () => {
      const ask = { name: "analyse", input: { question: "why?", material: "views: 5, 50000" } };
      const opus = "claude-opus-5-5";
      const { requests, record, costUsd } = await run(database, {
        agent: { tier: "haiku", analysisTier: "opus" },
        script: ({ model }, nth) =>
          model === opus
            ? { say: "The second had a hook.", outputTokens: 500 }
            : nth === 1
            ? { calls: [ask] }
            : { say: "It was the hook." },
      });
      deepEqual(requests.map(({ model }) => model), ["claude-haiku-5-5", opus, "claude-haiku-5-5"]);
      deepEqual(requests.map(({ tools }) => tools?.some(({ name }) => name === "analyse") ?? false), [
        true,
        false,
        true,
      ]);
      match(JSON.stringify(requests[1]!.messages), /why\?.*views: 5, 50000/);
      deepEqual(record.tool_calls.map(({ tool_name, tool_result }) => [tool_name, tool_result]), [
        ["analyse", "The second had a hook."],
      ]);
      ok(costUsd >= 0.01, "the dear answer is part of what the run cost");
      ok(Math.abs(record.cost_usd - costUsd) < 1e-9);
      const poor = await run(database, {
        agent: { tier: "haiku", analysisTier: "opus" },
        settings: { budgets: { runUsd: 0.005 } },
        script: ({ messages }) => messages.length === 1 ? { calls: [ask] } : { say: "without, then" },
      });
      deepEqual(poor.requests.map(({ model }) => model), ["claude-haiku-5-5", "claude-haiku-5-5"]);
      match(
        poor.record.tool_calls[0]!.tool_result,
        /^Nothing was analysed: the budget of this run is used up/,
      );
    },
  );

  await step(
    "it is asked a few times at most, and not offered where it is the agent's own model",
    async () => {
      const ask = (nth: number) => ({ name: "analyse", input: { question: `${nth}`, material: "x" } });
      const { record } = await run(database, {
        agent: { tier: "haiku", analysisTier: "opus" },
        script: ({ model, messages }) =>
          model !== "claude-haiku-5-5" || messages.length > 6
            ? { say: "so" }
            : { calls: [ask(messages.length)] },
      });
      deepEqual(record.tool_calls.map(({ success }) => success), [true, true, false]);
      match(record.tool_calls[2]!.tool_result, /analysed 2 times already/);
      const models = { haiku: "claude-haiku-5-5", sonnet: "claude-haiku-5-5", opus: "claude-haiku-5-5" };
      const { requests } = await run(database, {
        agent: { tier: "haiku", analysisTier: "opus" },
        settings: { models },
        script: [{ say: "alone" }],
      });
      equal(requests[0]!.tools?.some(({ name }) => name === "analyse"), false);
    },
  );

  await step(
    "a secret that a tool returns or fails with is told to nobody, and not written down",
    async () => {
      const secret = "hunter2-the-secret";
      const leaky: AgentTool = {
        ...echoTool,
        run: ({ text }: { text: string }) =>
          text === "fail" ? Promise.reject(new Error(`no ${secret}`)) : Promise.resolve({ env: [secret] }),
      };
      const { requests, record } = await run(database, {
        tools: [leaky],
        settings: { secrets: [secret] },
        script: [{
          calls: [{ name: "echo", input: { text: "a" } }, { name: "echo", input: { text: "fail" } }],
        }, { say: "ok" }],
      });
      deepEqual(record.tool_calls.map(({ tool_result }) => tool_result).sort(), [
        "no [redacted]",
        '{"env":["[redacted]"]}',
      ]);
      ok(!JSON.stringify([requests, record]).includes(secret));
    },
  );
});
