import assert from "node:assert/strict";
import { type AgentEvent, type AgentState, hasProcess, nextState, TRANSITIONS } from "./state.ts";

const STATES = Object.keys(TRANSITIONS) as AgentState[];
const EVENTS: AgentEvent[] = ["start", "stop", "restart", "ready", "ended", "finished", "delay", "due"];

function after(...events: AgentEvent[]): AgentState {
  return events.reduce<AgentState>(nextState, "stopped");
}

Deno.test("an agent starts, runs, is stopped and is gone", () => {
  assert.deepEqual(
    [
      after("start"),
      after("start", "ready"),
      after("start", "ready", "stop"),
      after("start", "ready", "stop", "ended"),
    ],
    ["starting", "running", "stopping", "stopped"],
  );
});

Deno.test("an agent that crashes starts again, at once or when its delay is over", () => {
  assert.equal(after("start", "ready", "ended"), "crashed");
  assert.equal(after("start", "ready", "ended", "due"), "starting");
  assert.equal(after("start", "ended", "delay"), "backing off");
  assert.equal(after("start", "ended", "delay", "due"), "starting");
});

Deno.test("a person's start ends a delay, and a person's stop does too", () => {
  assert.equal(after("start", "ended", "delay", "start"), "starting");
  assert.equal(after("start", "ended", "delay", "stop"), "stopped");
});

Deno.test("a new process starts only when the old one has ended", () => {
  assert.equal(after("start", "ready", "restart"), "restarting");
  assert.equal(after("start", "ready", "restart", "ended"), "starting");
  assert.equal(after("start", "ready", "stop", "start"), "restarting");
  for (const state of STATES.filter(hasProcess)) {
    for (const event of EVENTS) {
      if (event === "ended" || event === "finished") continue;
      assert.ok(hasProcess(nextState(state, event)), `${state} ${event}`);
    }
  }
});

Deno.test("a stop always leads to stopped, whatever happens on the way but a start", () => {
  for (const state of STATES) {
    for (const event of EVENTS.filter((event) => event !== "start" && event !== "restart")) {
      const stopped = nextState(nextState(nextState(state, "stop"), event), "ended");
      assert.equal(stopped, "stopped", `${state}, stop, ${event}, ended`);
    }
  }
});

Deno.test("a program that may end is stopped when it has", () => {
  assert.equal(after("start", "ready", "finished"), "stopped");
  assert.equal(after("start", "ready", "restart", "finished"), "starting");
});
