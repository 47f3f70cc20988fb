import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { scriptedAgents } from "../testing/scripted_agents.ts";
import type { Crash } from "./registry.ts";
import { type AgentSpec, SupervisedAgent } from "./supervised_agent.ts";

const SECOND = 1000;

function setUp(spec: Partial<AgentSpec> = {}) {
  const clock = fakeClock();
  const agents = scriptedAgents(clock);
  const crashes: Crash[] = [];
  const cleared: string[] = [];
  const abandoned: string[] = [];
  const observed: unknown[] = [];
  const runs: unknown[] = [];
  let seen = 0;
  const agent = new SupervisedAgent({
    id: "a",
    name: "A",
    builtIn: true,
    enabled: true,
    process: { program: "p", args: [], env: {}, health: "ndjson" },
    restart: "always",
    maxMemoryMb: 100,
    ...spec,
  }, {
    timing: { silenceMs: 90 * SECOND, drainMs: 30 * SECOND },
    clock,
    startProcess: agents.startProcess,
    listener: {
      changed() {},
      crashed: (crash) => void crashes.push(crash),
      cleared: (id) => void cleared.push(id),
      abandoned: (id) => void abandoned.push(id),
      seen: () => void seen++,
      ran: (_, runId, event) => void runs.push([runId, event]),
    },
    secrets: [],
    observer: {
      started: (id) => void observed.push(`${id} started`),
      crashed: (id) => void observed.push(`${id} crashed`),
      runEnded: (id, outcome, usage) => void observed.push([id, outcome, usage?.cost_usd]),
    },
  });
  const crash = async () => {
    agents.last.report({ type: "ready" });
    await agents.last.end();
    await clock.advance(0);
  };
  return { agent, agents, clock, crashes, cleared, abandoned, observed, crash, runs, seen: () => seen };
}

Deno.test("an agent is starting until it says that it is ready, or first gives a sign of life", () => {
  for (const type of ["ready", "heartbeat"] as const) {
    const { agent, agents } = setUp();
    agent.start();
    assert.equal(agent.state, "starting");
    agents.last.report({ type });
    assert.equal(agent.state, "running");
  }
});

Deno.test("a program without a protocol runs as soon as it has been started", () => {
  const { agent } = setUp({ process: { program: "p", args: [], env: {}, health: "none" } });
  agent.start();
  assert.deepEqual([agent.state, agent.alive], ["running", true]);
});

Deno.test("test_supervisor_restarts_crashed_agent", async () => {
  const { agent, agents, crashes, crash } = setUp();
  agent.start();
  await crash();
  assert.deepEqual([agent.state, agents.processes.length], ["starting", 2]);
  assert.deepEqual(crashes.map(({ agentId, reason }) => [agentId, reason]), [["a", "exited with status 1"]]);
});

Deno.test("test_supervisor_backoff_after_5_crashes", async () => {
  const { agent, agents, clock, crash } = setUp();
  agent.start();
  for (let i = 1; i <= 5; i++) {
    await crash();
    assert.equal(agent.state, "starting", `after crash ${i}`);
  }
  await crash();
  assert.equal(agent.state, "backing off");
  assert.equal(agent.status().restart_at, new Date(clock.now() + 64 * SECOND).toISOString());
  await clock.advance(64 * SECOND - 1);
  assert.equal(agents.processes.length, 6);
  await clock.advance(1);
  assert.deepEqual([agent.state, agents.processes.length], ["starting", 7]);
  await crash();
  assert.equal(agent.status().restart_at, new Date(clock.now() + 128 * SECOND).toISOString());
  assert.equal(agent.status().error_count, 7);
});

Deno.test("a person's start ends the delay and forgets the crashes, but not that they happened", async () => {
  const { agent, agents, clock, crash, cleared } = setUp();
  agent.start();
  for (let i = 0; i < 6; i++) await crash();
  agent.start({ byPerson: true });
  assert.deepEqual([agent.state, cleared], ["starting", ["a"]]);
  await clock.advance(1);
  await crash();
  assert.equal(agent.state, "starting");
  assert.deepEqual([agent.status().crashes_last_hour, agent.status().error_count], [1, 7]);
  assert.equal(agents.processes.length, 8);
});

Deno.test("crashes of an earlier life of the worker count", async () => {
  const { agent, clock, crash } = setUp();
  const ago = (minutes: number) => clock.now() - minutes * 60 * SECOND;
  agent.remember({ crashes: [1, 2, 3, 4, 5].map(ago), lastRunAt: ago(7) });
  agent.start();
  await crash();
  assert.equal(agent.state, "backing off");
  assert.equal(agent.status().last_run_at, new Date(ago(7)).toISOString());
  const forgotten = setUp();
  forgotten.agent.remember({ crashes: [1, 2, 3, 4, 5].map(ago), clearedAt: ago(0.5) });
  forgotten.agent.start();
  await forgotten.crash();
  assert.equal(forgotten.agent.state, "starting");
});

Deno.test("a silent agent is ended after 90 s, and that is a crash", async () => {
  const { agent, agents, clock, crashes } = setUp();
  agent.start();
  agents.last.report({ type: "ready" });
  await clock.advance(60 * SECOND);
  agents.last.report({ type: "heartbeat" });
  await clock.advance(89 * SECOND);
  agent.watchSilence();
  assert.deepEqual([agents.last.killed, agent.alive], [undefined, true]);
  await clock.advance(SECOND);
  assert.equal(agent.alive, false);
  agent.watchSilence();
  await clock.advance(0);
  assert.equal(agents.processes[0]!.killed, "was silent for 90 s");
  assert.deepEqual([agent.state, crashes.map(({ reason }) => reason)], ["starting", ["was silent for 90 s"]]);
});

Deno.test("silence while the supervisor itself slept does not count", async () => {
  const { agent, agents, clock } = setUp();
  agent.start();
  await clock.advance(3600 * SECOND);
  agent.forgiveSilence();
  agent.watchSilence();
  assert.equal(agents.last.killed, undefined);
});

Deno.test("a program without a protocol may be silent", async () => {
  const { agent, agents, clock } = setUp({ process: { program: "p", args: [], env: {}, health: "none" } });
  agent.start();
  await clock.advance(3600 * SECOND);
  agent.watchSilence();
  assert.equal(agents.last.killed, undefined);
});

Deno.test("an agent that uses too much memory is ended, with all that it started counted", async () => {
  const { agent, agents, clock } = setUp();
  agent.start();
  agent.watchMemory(() => 100);
  assert.deepEqual([agents.last.killed, agent.status().memory_mb], [undefined, 100]);
  agent.watchMemory(() => 101);
  await clock.advance(0);
  assert.equal(agents.processes[0]!.killed, "used 101 MB of memory, more than 100");
  assert.equal(agents.processes.length, 2);
});

Deno.test("a stopped agent is asked to drain, and is gone when it has", async () => {
  const { agent, agents, clock, crashes, abandoned } = setUp();
  agent.start();
  agents.last.report({ type: "ready" });
  agent.stop("stopped by a person");
  assert.deepEqual([agent.state, agents.last.orders], ["stopping", [{ type: "drain" }]]);
  await clock.advance(20 * SECOND);
  assert.equal(agents.last.killed, undefined);
  await agents.last.end(0);
  await agent.settled();
  assert.deepEqual([agent.state, agent.reason, crashes, abandoned], [
    "stopped",
    "stopped by a person",
    [],
    [],
  ]);
  assert.equal(clock.pending(), 0);
});

Deno.test("an agent that does not drain in time is ended, and what it held is given back", async () => {
  const { agent, agents, clock, abandoned } = setUp();
  agent.start();
  agent.stop();
  await clock.advance(30 * SECOND);
  assert.equal(agents.last.killed, "");
  await agent.settled();
  assert.deepEqual([agent.state, abandoned], ["stopped", ["a"]]);
});

Deno.test("a restart starts a new process when the old one has drained, and is no crash", async () => {
  const { agent, agents, clock, crashes } = setUp();
  agent.start();
  agents.last.report({ type: "ready" });
  agent.restart("unhealthy");
  assert.deepEqual([agent.state, agent.reason, agents.processes.length], ["restarting", "unhealthy", 1]);
  await agents.last.end(0);
  await clock.advance(0);
  assert.deepEqual([agent.state, agents.processes.length, crashes], ["starting", 2, []]);
});

Deno.test("a start that comes while it stops is obeyed when it has stopped", async () => {
  const { agent, agents, clock } = setUp();
  agent.start();
  agent.stop();
  agent.start({ byPerson: true });
  assert.equal(agents.processes.length, 1);
  await agents.last.end(0);
  await clock.advance(0);
  assert.deepEqual([agent.state, agents.processes.length], ["starting", 2]);
});

Deno.test("a stop during a delay leaves nothing that would start later", async () => {
  const { agent, agents, clock, crash } = setUp();
  agent.start();
  for (let i = 0; i < 6; i++) await crash();
  agent.stop();
  await agent.settled();
  await clock.advance(3600 * SECOND);
  assert.deepEqual([agent.state, agents.processes.length, clock.pending()], ["stopped", 6, 0]);
});

Deno.test("a program that is done stays stopped where its declaration says so", async () => {
  const { agent, agents, clock, crashes } = setUp({ restart: "on-failure" });
  agent.start();
  await agents.last.end(0);
  await clock.advance(0);
  assert.deepEqual([agent.state, crashes], ["stopped", []]);
  const never = setUp({ restart: "never" });
  never.agent.start();
  await never.agents.last.end(1);
  await never.clock.advance(0);
  assert.deepEqual([never.agent.state, never.crashes.length], ["crashed", 1]);
});

Deno.test("an agent that another worker runs is stopped here, and says where it runs", async () => {
  const { agent, agents, clock } = setUp();
  agent.start();
  agent.yieldTo("other");
  await agents.last.end(0);
  await clock.advance(0);
  assert.deepEqual([agent.state, agent.reason, agent.status().held_by], [
    "stopped",
    "runs on the worker other",
    "other",
  ]);
  agent.start();
  assert.deepEqual([agent.state, agent.status().held_by], ["starting", null]);
});

Deno.test("an agent that cannot run says why, and does not start", () => {
  const { agent, agents } = setUp({ problem: "its tables are missing" });
  assert.throws(() => agent.start(), /its tables are missing/);
  assert.deepEqual([agents.processes.length, agent.status().reason], [0, "its tables are missing"]);
});

Deno.test("the status tells the run, the health and since when it runs", async () => {
  const { agent, agents, clock } = setUp();
  agent.start();
  agents.last.report({ type: "ready" });
  const began = clock.now();
  agents.last.report({ type: "run_started", run: { id: "r", goal: "g" } });
  await clock.advance(5 * SECOND);
  agents.last.report({
    type: "heartbeat",
    state: "busy",
    health: { status: "unhealthy", reason: "5 errors in a row" },
    run: { id: "r", goal: "g" },
  });
  const status = agent.status();
  assert.deepEqual([status.uptime, status.pid, status.activity, status.run], [5, 1, "busy", {
    id: "r",
    goal: "g",
  }]);
  assert.deepEqual(status.health, { status: "unhealthy", reason: "5 errors in a row" });
  assert.equal(status.last_run_at, new Date(began).toISOString());
  agents.last.report({ type: "run_ended", run: { id: "r" }, outcome: "completed" });
  assert.equal(agent.status().run, null);
});

Deno.test("what is counted is told: processes, crashes, and runs with what they used", async () => {
  const { agent, agents, observed, crash } = setUp();
  agent.start();
  await crash();
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0.5,
  };
  agents.last.report({ type: "run_ended", run: { id: "r" }, outcome: "end_turn", usage });
  agents.last.report({ type: "run_ended", run: { id: "s" }, outcome: "error" });
  assert.deepEqual(observed.filter((told) => typeof told !== "string"), [
    ["a", "end_turn", 0.5],
    ["a", "error", undefined],
  ]);
  assert.equal(observed.filter((told) => told === "a crashed").length, 1);
});

Deno.test("whoever watches is told of a run from its beginning to its end, and that the agent may look different", () => {
  const { agent, agents, runs, seen } = setUp();
  agent.start();
  agents.last.report({ type: "ready" });
  const before = seen();
  agents.last.report({ type: "run_started", run: { id: "r", goal: "g" } });
  agents.last.report({ type: "run_event", run: { id: "r" }, event: { kind: "text", text: "hm" } });
  assert.equal(seen(), before + 1);
  agents.last.report({ type: "run_ended", run: { id: "r" }, outcome: "completed" });
  assert.equal(seen(), before + 2);
  assert.deepEqual(runs, [
    ["r", { kind: "started", goal: "g" }],
    ["r", { kind: "text", text: "hm" }],
    ["r", { kind: "ended", outcome: "completed", error: null }],
  ]);
});
