import assert from "node:assert/strict";
import { failureMessage } from "./executor.ts";
import type { TaskPlan } from "./plan.ts";
import type { TraceLine } from "./trace.ts";
import { effort, type Evidence, judge, story } from "./verdict.ts";
import type { Attempt, FinalTask, Transition } from "./witness.ts";

const PLAN: TaskPlan = { key: 0, workMs: 5, failures: 1, retry: true, maxAttempts: 3, priority: 0 };

const step = (by: string, from: string | undefined, to: string, fromFence: number, more = {}) => ({
  ...{ task: "t", by, from, to, fromFence, toFence: fromFence + (to === "claimed" ? 1 : 0) },
  ...to === "claimed" ? { toHolder: by } : { fromHolder: by },
  ...more,
} as Transition);
const line = (event: TraceLine["event"], worker: string, token: number): TraceLine => ({
  ...{ event, worker, token: `${token}`, task: "t", attempt: token, at: 0 },
  nonce: `nonce ${token}`,
});

/** Fails as told under token 1, is lost under token 2 while w2 stands still, succeeds under token 3. */
const GOOD: { -readonly [K in keyof Evidence]: Evidence[K] } = {
  planned: [PLAN],
  tasks: [{
    ...{ id: "t", key: 0, status: "succeeded", attempts: 3, maxAttempts: 3, fence: 3 },
    output: { token: "3", worker: "w1", nonce: "nonce 3" },
  }],
  transitions: [
    { task: "t", by: "postgres", to: "pending", toFence: 0 },
    step("w1", "pending", "claimed", 0),
    step("w1", "claimed", "pending", 1),
    step("w2", "pending", "claimed", 1),
    step("w2", "claimed", "running", 2),
    step("w1", "running", "pending", 2, { fromHolder: "w2" }),
    step("w1", "pending", "claimed", 2),
    step("w1", "claimed", "succeeded", 3),
  ],
  attempts: [
    { task: "t", fence: 1, worker: "w1", outcome: "failed", error: failureMessage("1"), late: false },
    { task: "t", fence: 2, worker: "w2", outcome: "lost", late: true },
  ],
  trace: [
    line("start", "w1", 1),
    line("failed", "w1", 1),
    line("start", "w2", 2),
    line("start", "w1", 3),
    line("done", "w1", 3),
    line("done", "w2", 2),
  ],
};

const task = (change: Partial<FinalTask>) => ({ ...GOOD, tasks: [{ ...GOOD.tasks[0]!, ...change }] });
const plan = (change: Partial<TaskPlan>) => ({ ...GOOD, planned: [{ ...PLAN, ...change }] });
const replaced = <K extends "transitions" | "attempts" | "trace">(
  key: K,
  index: number,
  ...by: Evidence[K][number][]
): Evidence => ({ ...GOOD, [key]: GOOD[key].toSpliced(index, 1, ...by as never[]) });
const attempt = (index: number, change: Partial<Attempt>) =>
  replaced("attempts", index, { ...GOOD.attempts[index]!, ...change });
const transition = (index: number, change: Partial<Transition>) =>
  replaced("transitions", index, { ...GOOD.transitions[index]!, ...change });

Deno.test("a task that failed, was lost and succeeded once is as it should be", () => {
  assert.deepEqual(judge(GOOD), []);
});

const FAULTS: readonly [string, Evidence, RegExp][] = [
  ["a lost task", { ...GOOD, tasks: [], trace: [] }, /number 0 is in the table 0 times/],
  ["a task enqueued twice", { ...GOOD, tasks: [...GOOD.tasks, ...GOOD.tasks] }, /is in the table 2 times/],
  ["a task out of nowhere", { ...GOOD, planned: [] }, /was never enqueued/],
  ["work on no task", { ...GOOD, tasks: [], planned: [] }, /was run, and is not in the table/],
  ["an unsettled task", task({ status: "pending" }), /is pending at the end/],
  ["a row changed unseen", task({ fence: 4 }), /ends as succeeded \(token 3\), but its row says/],
  ["a second end", {
    ...GOOD,
    transitions: [...GOOD.transitions, step("w2", "succeeded", "succeeded", 3)],
  }, /reached a terminal status 2 times/],
  ["a gap in the chain", replaced("transitions", 4), /does not follow on claimed/],
  ["a claim without a new token", transition(6, { toFence: 2 }), /does not keep to the tokens/],
  ["a claim for another", transition(6, { toHolder: "w2" }), /was claimed for w2/],
  [
    "an end by somebody else",
    transition(7, { by: "w2" }),
    /took it from its holder w1 other than by a rescue/,
  ],
  ["a rescue that nobody recorded", attempt(1, { outcome: "failed" }), /other than by a rescue/],
  ["a claim with two fates", {
    ...GOOD,
    attempts: [...GOOD.attempts, { ...GOOD.attempts[1]!, fence: 3 }],
  }, /token 3 was settled 1 times, and has 2 fates/],
  ["a claim without a fate", replaced("attempts", 1), /has 0 fates/],
  ["too many attempts", task({ maxAttempts: 2 }), /had 3 attempts that count/],
  ["a success before its time", plan({ failures: 3 }), /which was told to fail/],
  ["an early failure", task({ status: "failed", attempts: 1 }), /failed after 1 of 3 attempts/],
  ["a cancellation nobody asked for", task({ status: "cancelled" }), /nobody asked for it/],
  [
    "a former holder's result",
    task({ output: { token: "2", worker: "w2", nonce: "nonce 2" } }),
    /result of token 2/,
  ],
  ["a result without its trace", replaced("trace", 4), /has a result that is not in the trace/],
  ["a result of another run", task({ output: { token: "3", worker: "w1", nonce: "x" } }), /not in the trace/],
  [
    "a failure of another token",
    attempt(0, { error: failureMessage("7") }),
    /token 1 failed with: told to fail, token 7/,
  ],
  ["a failure without its trace", replaced("trace", 1), /the failure of token 1 is not in the trace/],
  ["a time-out", attempt(1, { outcome: "timed_out" }), /token 2 timed out/],
];
for (const [name, evidence, message] of FAULTS) {
  Deno.test(`${name} is found`, () => {
    const messages = judge(evidence).map((finding) => finding.message);
    assert.ok(messages.some((text) => message.test(text)), messages.join("\n"));
  });
}

Deno.test("a task that ran out of attempts, lost or failed, may end as failed", () => {
  const transitions = GOOD.transitions.with(7, step("w1", "claimed", "failed", 3));
  for (const outcome of ["lost", "failed"]) {
    const last = { task: "t", fence: 3, worker: "w1", outcome, error: failureMessage("3"), late: false };
    const trace = [...GOOD.trace, line("failed", "w1", 3)];
    const evidence = {
      ...task({ status: "failed" }),
      transitions,
      attempts: [...GOOD.attempts, last],
      trace,
    };
    assert.deepEqual(judge(evidence), []);
  }
});

Deno.test("attempts that were given back do not count", () => {
  const evidence = task({ maxAttempts: 2, attempts: 2 });
  const attempts = GOOD.attempts.with(1, { ...GOOD.attempts[1]!, outcome: "released" });
  const transitions = GOOD.transitions.with(5, step("w2", "running", "pending", 2));
  assert.deepEqual(judge({ ...evidence, attempts, transitions }), []);
});

Deno.test("the effort counts claims, late reports and work in vain", () => {
  assert.deepEqual(effort(GOOD), {
    ...{ statuses: { succeeded: 1 }, outcomes: { failed: 1, lost: 1 } },
    ...{ claims: 3, refused: 1, repeated: 1, inVain: 1 },
  });
});

Deno.test("a story has everything about one task and nothing about others", () => {
  const other = { ...GOOD.attempts[0]!, task: "u" };
  const evidence = { ...GOOD, attempts: [...GOOD.attempts, other] };
  assert.equal(story(evidence, "t").length, 1 + 8 + 2 + 6);
});
