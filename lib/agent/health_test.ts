import { deepEqual, equal, match } from "node:assert/strict";
import { ErrorStreak } from "./health.ts";

Deno.test("the fifth error in a row makes an agent unhealthy, once", () => {
  const streak = new ErrorStreak();
  const verdicts = Array.from({ length: 6 }, (_, n) => streak.add({ stop: "error", error: `error ${n}` }));
  deepEqual(verdicts, [false, false, false, false, true, false]);
  match(streak.reason!, /^6 errors in a row, the last: error 5$/);
});

Deno.test("anything that is no error ends the row, but a stop in between does not count", () => {
  const streak = new ErrorStreak();
  for (const stop of ["error", "error", "error", "error", "released", "cancelled"] as const) {
    streak.add({ stop, error: "e" });
  }
  equal(streak.count, 4);
  streak.add({ stop: "budget", error: "e" });
  deepEqual([streak.count, streak.reason], [0, undefined]);
});
