import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AgentFacts,
  agentReasons,
  deliveryReasons,
  overallOf,
  type OverallReason,
  schedulerReasons,
  stallReasons,
  withReasons,
  type WorkerFacts,
  workerReasons,
} from "./overall.ts";

const WELL: WorkerFacts = {
  ready: true,
  draining: false,
  queues: [{ name: "the task table", state: "running", since: null, reason: null }],
  unreported: 0,
  maxUnreported: 100,
  failingLoops: [],
};
const SINCE = "2026-11-20T18:00:00.000Z";
const codes = (reasons: readonly OverallReason[]) =>
  reasons.map(({ code, severity }) => `${code} ${severity}`);
const worker = (facts: Partial<WorkerFacts>) => codes(workerReasons({ ...WELL, ...facts }));

function agent(status: string, more: Partial<AgentFacts> = {}): AgentFacts {
  return { agent_id: "a", status, health: null, reason: null, restart_at: null, ...more };
}
const agents = (all: AgentFacts[], blocked: string[] = [], draining = false) =>
  codes(agentReasons(all, blocked, draining));

Deno.test("a worker with nothing wrong is healthy and gives no reason", () => {
  assert.deepEqual(worker({}), []);
  assert.deepEqual(agents([]), []);
  assert.equal(overallOf([]), "healthy");
});

Deno.test("a worker that cannot work is critical, with the reason and what to do", () => {
  const outage = { since: SINCE, error: "no route", transient: true };
  assert.deepEqual(worker({ ready: false, databaseOutage: outage }), ["database_unreachable critical"]);
  assert.deepEqual(worker({ ready: false, databaseOutage: { ...outage, transient: false } }), [
    "database_refuses critical",
  ]);
  assert.deepEqual(worker({ heldBack: "80 MiB free" }), ["low_disk critical"]);
  assert.deepEqual(worker({ heldBack: "100 outcomes wait", unreported: 100 }), ["journal_full critical"]);
  assert.deepEqual(worker({ ready: false }), ["starting critical"]);
  const [reason] = workerReasons({ ...WELL, heldBack: "80 MiB free" });
  assert.deepEqual(reason, {
    code: "low_disk",
    severity: "critical",
    message: "not claiming: 80 MiB free",
    fix: "Free disk space, or lower WORKER_MIN_FREE_BYTES.",
  });
});

Deno.test("one queue of several that is away degrades the whole, and the first one is told once", () => {
  const away = (name: string) => ({ name, state: "unreachable" as const, since: SINCE, reason: "no route" });
  assert.deepEqual(worker({ queues: [WELL.queues[0]!, away("MPLite")] }), ["queue_unreachable degraded"]);
  assert.deepEqual(worker({ queues: [away("MPLite")], ready: false }), ["queue_unreachable critical"]);
  const databaseOutage = { since: SINCE, error: "no route", transient: true };
  assert.deepEqual(worker({ queues: [away("the task table")], databaseOutage, ready: false }), [
    "database_unreachable critical",
  ]);
});

Deno.test("what begins to go wrong degrades", () => {
  assert.deepEqual(worker({ unreported: 50 }), ["journal_filling degraded"]);
  assert.deepEqual(worker({ failingLoops: [{ name: "scoring", error: "404" }] }), ["loop_failing degraded"]);
});

Deno.test("a worker that stops is degraded and not critical, whatever else is wrong", () => {
  const databaseOutage = { since: SINCE, error: "no route", transient: true };
  assert.deepEqual(worker({ draining: true, ready: false, databaseOutage, heldBack: "80 MiB free" }), [
    "draining degraded",
    "database_unreachable degraded",
    "low_disk degraded",
  ]);
  assert.deepEqual(agents([agent("stopping")], [], true), ["agent_stopping degraded"]);
});

Deno.test("agents that nobody wants do not matter, those that should run and cannot do", () => {
  assert.deepEqual(agents([agent("running"), agent("stopped")]), []);
  assert.deepEqual(agents([agent("running"), agent("stopped", { agent_id: "b" })], ["b"]), [
    "agent_blocked degraded",
  ]);
});

Deno.test("one agent that does not run, or says that it is unwell, degrades the whole", () => {
  const cases: [AgentFacts, string][] = [
    [agent("starting"), "agent_starting degraded"],
    [agent("restarting"), "agent_restarting degraded"],
    [agent("stopping"), "agent_stopping degraded"],
    [agent("crashed"), "agent_crashed degraded"],
    [agent("backing off"), "agent_backing_off degraded"],
    [agent("running", { health: { status: "unhealthy" } }), "agent_unhealthy degraded"],
  ];
  for (const [one, code] of cases) assert.deepEqual(agents([agent("running"), one]), [code]);
});

Deno.test("it is critical when no agent runs or is about to", () => {
  assert.deepEqual(agents([agent("crashed"), agent("backing off")])[0], "no_agent_runs critical");
  assert.deepEqual(agents([agent("starting")]), ["agent_starting degraded"]);
  assert.deepEqual(agents([agent("stopped")], ["a"]), ["no_agent_runs critical", "agent_blocked degraded"]);
});

Deno.test("a scheduler that does not move is critical, one that fails degrades, one that starts or is off is fine", () => {
  const status = { alive: true, last_tick_seconds: 3, error: null };
  assert.deepEqual(schedulerReasons(null), []);
  assert.deepEqual(schedulerReasons({ ...status, alive: false, last_tick_seconds: null }), []);
  assert.deepEqual(schedulerReasons(status), []);
  assert.deepEqual(codes(schedulerReasons({ ...status, error: "no" })), ["scheduler_failing degraded"]);
  assert.deepEqual(codes(schedulerReasons({ ...status, alive: false, last_tick_seconds: 200 })), [
    "scheduler_stalled critical",
  ]);
});

Deno.test("a queue whose turn does not come is critical", () => {
  assert.deepEqual(stallReasons(undefined, 1e6, 60_000), []);
  assert.deepEqual(stallReasons(1000, 61_000, 60_000), []);
  assert.deepEqual(codes(stallReasons(1000, 61_001, 60_000)), ["queue_stalled critical"]);
});

Deno.test("each channel that fails is told once, with how often and why", () => {
  const failed = [
    { channel: "slack", error: "404" },
    { channel: "telegram", error: "401" },
    { channel: "slack", error: "410" },
  ];
  assert.deepEqual(deliveryReasons(failed).map(({ message }) => message), [
    "2 notifications could not be sent by slack within the last hour: 410",
    "1 notifications could not be sent by telegram within the last hour: 401",
  ]);
});

Deno.test("the whole is never better than any reason, and every worker that takes no work has one", () => {
  const facts = fc.record({
    ready: fc.boolean(),
    draining: fc.boolean(),
    heldBack: fc.option(fc.string(), { nil: undefined }),
    unreported: fc.nat(200),
    databaseOutage: fc.option(fc.constant({ since: SINCE, error: "e", transient: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(facts, (some) => {
      const status = withReasons({ overall_reasons: workerReasons({ ...WELL, ...some }) }, []);
      const critical = status.overall_reasons.some(({ severity }) => severity === "critical");
      assert.equal(status.overall === "critical", critical);
      if (!some.ready || some.heldBack) assert.notEqual(status.overall, "healthy");
      if (!some.ready && !some.draining) assert.equal(status.overall, "critical");
    }),
    { seed: 9 },
  );
});
