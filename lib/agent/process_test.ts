import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { testAgent, testSettings } from "../testing/agents.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { until } from "../testing/until.ts";
import type { ActRunner } from "./act_runner.ts";
import { Goals } from "./goals.ts";
import type { RunStop } from "./loop/outcome.ts";
import { AgentProcess } from "./process.ts";
import type { AgentOrder, AgentReportInput } from "./protocol.ts";
import type { FinishedRun } from "./run.ts";
import type { AgentSettings } from "./settings.ts";

/** A database that remembers its calls and hands out goals. */
function scriptedDatabase() {
  const calls: { fn: string; args: Record<string, unknown> }[] = [];
  const waiting: string[] = [];
  const spent = { day_usd: 0, month_usd: 0 };
  const answers: Record<string, () => unknown> = {
    actp_rescue_agent_tasks: () => [],
    actp_agent_spending: () => ({ ...spent }),
    actp_claim_agent_task: () =>
      waiting.splice(0, 1).map((goal) => ({
        id: `id-${goal}`,
        token: "1",
        goal,
        context: null,
        attempts: 1,
      })),
    actp_heartbeat_agent_task: () => "ok",
    actp_settle_agent_task: () => "settled",
    actp_set_agent_needs_restart: () => true,
  };
  const database = {
    call: (fn: string, args: Record<string, unknown>) => {
      calls.push({ fn, args });
      return Promise.resolve(answers[fn]!());
    },
  } as unknown as Database;
  const made = (fn: string) => calls.filter((call) => call.fn === fn).map(({ args }) => args);
  return { database, waiting, spent, made };
}

function outcome(stop: RunStop, error?: string): FinishedRun {
  return {
    stop,
    text: "",
    error,
    retry: true,
    iterations: 1,
    toolsUsed: [],
    costUsd: 0.1,
    runId: "run",
    use: { input: 9, output: 3, cacheRead: 2, cacheWrite: 1 },
  };
}

/** A process over a scripted database; runs end when `finish` is called, or when their signal aborts. */
function started(settings: Partial<AgentSettings> = {}) {
  const clock = fakeClock();
  const scripted = scriptedDatabase();
  const reports: AgentReportInput[] = [];
  const supervisor = Promise.withResolvers<void>();
  let order: (order: AgentOrder) => void = () => {};
  let finish: (finished: FinishedRun) => void = () => {};
  let running: string | undefined;
  let actsWoken = 0;
  const agent = testAgent("a");
  const acts: ActRunner = {
    name: "acts",
    wake: () => void actsWoken++,
    run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  };
  const process = new AgentProcess({
    agent,
    settings: testSettings(settings),
    database: scripted.database,
    goals: new Goals(scripted.database, "a", "w/a/1", clock as Clock),
    acts,
    link: {
      report: (report) => void reports.push(report),
      listen: (handle) => (order = handle, supervisor.promise),
    },
    clock,
    run: (goal, signal, onStart) => {
      running = goal.text;
      onStart("run");
      return new Promise((resolve) => {
        finish = (finished) => (running = undefined, resolve(finished));
        signal.addEventListener("abort", () => finish(outcome(signal.reason)), { once: true });
      });
    },
  });
  const ended = process.run();
  return {
    ...scripted,
    clock,
    reports,
    ended,
    process,
    order: (type: AgentOrder["type"]) => order({ type }),
    leave: () => supervisor.resolve(),
    finish: (finished: FinishedRun) => finish(finished),
    running: () => running,
    actsWoken: () => actsWoken,
    types: () => reports.map(({ type }) => type).filter((type) => type !== "heartbeat"),
    endedRuns: () => reports.flatMap((report) => report.type === "run_ended" ? [report] : []),
    beats: () => reports.flatMap((report) => report.type === "heartbeat" ? [report] : []),
  };
}

Deno.test("it says that it is ready, clears up after its predecessor, and looks for goals at its poll and when woken", async () => {
  const agent = started();
  await agent.clock.advance(0);
  deepEqual(agent.types(), ["ready"]);
  deepEqual(agent.made("actp_rescue_agent_tasks"), [{ p_holders: "w/a/", p_except: "w/a/1" }]);
  equal(agent.made("actp_claim_agent_task").length, 1);
  await agent.clock.advance(29_000);
  equal(agent.made("actp_claim_agent_task").length, 1);
  await agent.clock.advance(1_000);
  equal(agent.made("actp_claim_agent_task").length, 2);
  agent.order("wake");
  await agent.clock.advance(0);
  equal(agent.made("actp_claim_agent_task").length, 3);
  equal(agent.actsWoken(), 1);
  agent.leave();
  await agent.ended;
});

Deno.test("goals are run one at a time, kept, settled and told", async () => {
  const agent = started();
  agent.waiting.push("one", "two");
  await agent.clock.advance(0);
  equal(agent.running(), "one");
  await agent.clock.advance(20_000);
  equal(agent.made("actp_heartbeat_agent_task").length, 1);
  deepEqual(agent.beats().at(-1)!.state, "busy");
  agent.finish(outcome("end_turn"));
  await agent.clock.advance(0);
  equal(agent.running(), "two");
  deepEqual(agent.made("actp_settle_agent_task").map((args) => args.p_outcome), ["succeeded"]);
  deepEqual(agent.types(), ["ready", "run_started", "run_ended", "run_started"]);
  deepEqual(agent.endedRuns().map(({ usage }) => usage), [
    { input_tokens: 9, output_tokens: 3, cache_read_tokens: 2, cache_write_tokens: 1, cost_usd: 0.1 },
  ]);
  agent.finish(outcome("error", "no"));
  await agent.clock.advance(0);
  agent.leave();
  await agent.ended;
  deepEqual(agent.made("actp_settle_agent_task").map((args) => args.p_outcome), ["succeeded", "failed"]);
});

Deno.test("it says every 10 s that it lives, also while it works", async () => {
  const agent = started();
  agent.waiting.push("long");
  await agent.clock.advance(60_000);
  equal(agent.beats().length, 7);
  agent.leave();
  await agent.ended;
});

Deno.test("drained while it works, it finishes and takes nothing more", async () => {
  const agent = started();
  agent.waiting.push("one", "two");
  await agent.clock.advance(0);
  agent.order("drain");
  await agent.clock.advance(1_000);
  equal(agent.running(), "one");
  agent.finish(outcome("end_turn"));
  await agent.ended;
  deepEqual(agent.made("actp_settle_agent_task").map((args) => args.p_outcome), ["succeeded"]);
  deepEqual(agent.waiting, ["two"]);
});

Deno.test("what is not finished when the time to drain ends goes back", async () => {
  const agent = started({ drainMs: 10_000 });
  agent.waiting.push("long");
  await agent.clock.advance(0);
  agent.order("drain");
  await agent.clock.advance(6_900);
  equal(agent.running(), "long");
  await agent.clock.advance(200);
  await agent.ended;
  deepEqual(agent.made("actp_settle_agent_task").map((args) => args.p_outcome), ["released"]);
});

Deno.test("when its supervisor is gone it gives its goal back and ends", async () => {
  const agent = started();
  agent.waiting.push("long");
  await agent.clock.advance(0);
  agent.leave();
  await agent.ended;
  deepEqual(agent.made("actp_settle_agent_task").map((args) => args.p_outcome), ["released"]);
});

Deno.test("five errors in a row make it unhealthy, and it asks for its own restart once", async () => {
  await using _log = capturedLog();
  const agent = started();
  for (let n = 1; n <= 6; n++) {
    agent.waiting.push(`goal ${n}`);
    agent.order("wake");
    await until("it runs", () => agent.running() === `goal ${n}` || (void agent.clock.advance(0), false));
    agent.finish(outcome("error", `broken ${n}`));
    await agent.clock.advance(0);
  }
  const asked = agent.made("actp_set_agent_needs_restart");
  equal(asked.length, 1);
  match(asked[0]!.p_reason as string, /^5 errors in a row, the last: broken 5$/);
  await agent.clock.advance(10_000);
  equal(agent.beats().at(-1)!.health?.status, "unhealthy");
  agent.leave();
  await agent.ended;
});

Deno.test("without money it takes no goals and says why, until there is a new budget", async () => {
  await using log = capturedLog();
  const agent = started({ budgets: { dayUsd: 1 } });
  agent.spent.day_usd = 1;
  agent.waiting.push("goal");
  agent.order("wake");
  await agent.clock.advance(1_000);
  equal(agent.running(), undefined);
  match(log.messages("agent").join("\n"), /no goals are taken: the budget of this agent and day is used up/);
  await agent.clock.advance(10_000);
  match(agent.beats().at(-1)!.health?.reason ?? "", /AGENT_DAILY_BUDGET_USD/);
  agent.spent.day_usd = 0;
  await agent.clock.advance(60_000);
  equal(agent.running(), "goal");
  agent.leave();
  await agent.ended;
});

Deno.test("when the month gets dear there is one warning", async () => {
  await using log = capturedLog();
  const agent = started({ alertUsd: 350 });
  agent.spent.month_usd = 351;
  await agent.clock.advance(90_000);
  const warnings = log.messages("agent").filter((message) => message.includes("have cost"));
  deepEqual(warnings.length, 1);
  ok(agent.beats().at(-1)!.health!.month_usd === 351);
  agent.leave();
  await agent.ended;
});
