import { equal } from "node:assert/strict";
import { projectedCost } from "./cost_projection.ts";

Deno.test("300 US dollars in the first 20 days of a month of 31 are projected to 465", () => {
  equal(projectedCost(300, Date.UTC(2026, 2, 21)), 465);
});

Deno.test("the first minutes of a month are not taken for its pace", () => {
  equal(projectedCost(1, Date.UTC(2026, 3, 1, 0, 5)), 30);
  equal(projectedCost(0, Date.UTC(2026, 3, 1)), 0);
});
