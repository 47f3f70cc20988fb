import { deepEqual } from "node:assert/strict";
import { mayMove, STAGES } from "./stages.ts";

Deno.test("prospects go step by step, may leave at any time, and a won deal stays won", () => {
  const from = (stage: typeof STAGES[number]) => STAGES.filter((to) => mayMove(stage, to));
  deepEqual(from("awareness"), ["consideration", "closed_lost"]);
  deepEqual(from("consideration"), ["awareness", "decision", "closed_lost"]);
  deepEqual(from("decision"), ["consideration", "closed_won", "closed_lost"]);
  deepEqual(from("closed_won"), []);
  deepEqual(from("closed_lost"), ["awareness"]);
});
