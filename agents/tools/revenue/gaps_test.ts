import { deepEqual } from "node:assert/strict";
import { goalGaps, type Measure } from "./gaps.ts";

Deno.test("gaps are listed by how much of the goal is missing, and reached goals are none", () => {
  const measure = (name: string, actual: number | null, goal: number): Measure => ({
    name,
    actual,
    goal,
    unit: "x",
    direction: "at_least",
  });
  const gaps = goalGaps([
    measure("half", 50, 100),
    measure("reached", 100, 100),
    measure("unknown", null, 100),
    measure("far", 1, 100),
    { name: "ceiling", actual: 525, goal: 350, unit: "USD", direction: "at_most" },
    { name: "below ceiling", actual: 1, goal: 350, unit: "USD", direction: "at_most" },
  ]);
  deepEqual(gaps.map(({ name, missing, severity }) => [name, missing, severity]), [
    ["unknown", null, 1],
    ["far", 99, 0.99],
    ["ceiling", 175, 0.5],
    ["half", 50, 0.5],
  ]);
});
