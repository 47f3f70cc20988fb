import assert from "node:assert/strict";
import { type AgentStatus, summary } from "./agent_status.ts";

const ONLINE = { ready: true, status: "online" } as const;

function agent(status: AgentStatus["status"], more: Partial<AgentStatus> = {}): AgentStatus {
  return { agent_id: "a", status, enabled: true, health: null, held_by: null, ...more } as AgentStatus;
}

Deno.test("a worker with nothing wrong is healthy, with agents or without", () => {
  assert.deepEqual(summary(ONLINE, []), { overall: "healthy", agents: 0, agents_running: 0 });
  assert.deepEqual(summary(ONLINE, [agent("running"), agent("running")]), {
    overall: "healthy",
    agents: 2,
    agents_running: 2,
  });
});

Deno.test("agents that nobody wants do not matter", () => {
  assert.deepEqual(summary(ONLINE, [agent("running"), agent("stopped", { enabled: false })]), {
    overall: "healthy",
    agents: 1,
    agents_running: 1,
  });
});

Deno.test("one agent that does not run, or says that it is unwell, degrades the whole", () => {
  for (const status of ["starting", "backing off", "crashed", "restarting"] as const) {
    assert.equal(summary(ONLINE, [agent("running"), agent(status)]).overall, "degraded", status);
  }
  const unwell = agent("running", { health: { status: "unhealthy" } });
  assert.equal(summary(ONLINE, [unwell]).overall, "degraded");
  assert.equal(
    summary(ONLINE, [agent("running"), agent("stopped", { agent_id: "b" })], ["b"]).overall,
    "degraded",
  );
});

Deno.test("it is critical when no agent runs or is about to, or when the worker cannot work", () => {
  assert.equal(summary(ONLINE, [agent("crashed"), agent("backing off")]).overall, "critical");
  assert.equal(summary(ONLINE, [agent("starting")]).overall, "degraded");
  assert.equal(summary({ ready: false, status: "degraded" }, [agent("running")]).overall, "critical");
  assert.equal(summary({ ready: false, status: "draining" }, [agent("stopping")]).overall, "degraded");
});
