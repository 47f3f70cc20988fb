import { deepEqual, equal } from "node:assert/strict";
import { newTask, type TaskEvent, type TaskState, transition } from "./state.ts";

const claimed = transition(newTask(2), { kind: "claim", worker: "a" });
const running = transition(claimed, { kind: "heartbeat", worker: "a", token: 1 });
const after = (task: TaskState, ...events: TaskEvent[]) => events.reduce(transition, task);
const settle = (
  outcome: "done" | "failed" | "timedOut" | "cancelled" | "released",
  retry?: boolean,
): TaskEvent => ({
  kind: "settle",
  token: 1,
  outcome,
  retry,
});

Deno.test("a claim takes a pending task once, with a new token and one attempt more", () => {
  deepEqual(claimed, { ...newTask(2), status: "claimed", attempts: 1, token: 1, holder: "a" });
  equal(transition(claimed, { kind: "claim", worker: "b" }), claimed);
});

Deno.test("each outcome leads where it should", () => {
  const last = { ...running, attempts: 2 };
  const asked = after(running, { kind: "cancel" });
  const expected: [TaskState, TaskEvent, string, number][] = [
    [running, settle("done"), "succeeded", 1],
    [running, settle("failed"), "pending", 1],
    [running, settle("failed", false), "failed", 1],
    [running, settle("timedOut"), "pending", 1],
    [running, settle("cancelled"), "cancelled", 1],
    [running, settle("released"), "pending", 0],
    [last, settle("failed"), "failed", 2],
    [last, settle("timedOut"), "timed_out", 2],
    [last, settle("released"), "pending", 1],
    [last, { kind: "leaseExpired" }, "failed", 2],
    [running, { kind: "leaseExpired" }, "pending", 1],
    [asked, settle("done"), "succeeded", 1],
    [asked, settle("failed"), "cancelled", 1],
    [asked, settle("released"), "cancelled", 1],
    [asked, { kind: "leaseExpired" }, "cancelled", 1],
  ];
  for (const [task, event, status, attempts] of expected) {
    const next = transition(task, event);
    deepEqual(
      [next.status, next.attempts, next.holder],
      [status, attempts, undefined],
      JSON.stringify(event),
    );
  }
});

Deno.test("a stale token or another worker changes nothing", () => {
  const again = after(running, settle("failed"), { kind: "claim", worker: "b" });
  equal(again.token, 2);
  equal(transition(again, settle("done")), again);
  equal(transition(again, { kind: "heartbeat", worker: "a", token: 1 }), again);
  equal(transition(again, { kind: "heartbeat", worker: "a", token: 2 }), again);
});

Deno.test("a settled task stays, and can be retried unless it succeeded", () => {
  for (const outcome of ["done", "failed", "cancelled"] as const) {
    const settled = after(running, settle(outcome, false));
    for (const event of [settle("done"), { kind: "leaseExpired" }, { kind: "cancel" }] as TaskEvent[]) {
      equal(transition(settled, event), settled);
    }
    const retried = transition(settled, { kind: "retry" });
    if (outcome === "done") equal(retried, settled);
    else deepEqual([retried.status, retried.attempts, retried.token], ["pending", 0, 1]);
  }
  equal(transition(running, { kind: "retry" }), running);
});
