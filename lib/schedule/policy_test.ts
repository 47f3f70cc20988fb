import assert from "node:assert/strict";
import { overlapRules, restSeconds, rulesOf } from "./policy.ts";

Deno.test("a run that meets another is left out, waits, or has it cancelled; no two ever wait", () => {
  assert.deepEqual(overlapRules("skip"), { free: "run", running: "skip", waiting: "skip" });
  assert.deepEqual(overlapRules("queue"), { free: "run", running: "wait", waiting: "skip" });
  assert.deepEqual(overlapRules("cancel"), { free: "run", running: "cancel", waiting: "skip" });
});

Deno.test("the rest after failures doubles from a minute up to six hours", () => {
  assert.deepEqual(restSeconds(4), [60, 120, 240, 480]);
  assert.deepEqual(restSeconds(1000).slice(-2), [15_360, 21_600]);
});

Deno.test("the rules hold what the database applies", () => {
  assert.deepEqual(rulesOf({ overlap: "skip", maxFailures: 1 }), {
    overlap: overlapRules("skip"),
    restSeconds: [60],
    maxFailures: 1,
  });
});
