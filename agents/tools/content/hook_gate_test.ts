import { deepEqual, equal } from "node:assert/strict";
import { type Dimension, gateDecision, RUBRIC, rubricScore } from "./hook_gate.ts";

Deno.test("85 points pass the gate, a hundredth less does not", () => {
  deepEqual(gateDecision(85, 0), { passed: true, status: "passed" });
  deepEqual(gateDecision(84.99, 0), { passed: false, status: "draft" });
});

Deno.test("a script that fails after its third regeneration is rejected, and one that passes then is not", () => {
  equal(gateDecision(84, 2).status, "draft");
  equal(gateDecision(84, 3).status, "rejected");
  equal(gateDecision(90, 3).status, "passed");
});

Deno.test("the rubric's weights make 100, and the hook counts most", () => {
  equal(Object.values(RUBRIC).reduce((sum, weight) => sum + weight, 0), 100);
  const rated = (hook: number, others: number) =>
    rubricScore(
      Object.fromEntries(
        Object.keys(RUBRIC).map((name) => [name, name === "hook" ? hook : others]),
      ) as Record<Dimension, number>,
    );
  equal(rated(100, 100), 100);
  equal(rated(0, 0), 0);
  equal(rated(60, 95), 84.5);
  equal(rated(90, 83), 85.1);
});
