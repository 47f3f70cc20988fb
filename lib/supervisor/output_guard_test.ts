import assert from "node:assert/strict";
import { type LineVerdict, OutputGuard } from "./output_guard.ts";

const BOUNDS = { windowMs: 1000, logLines: 2, floodLines: 4, floodChars: 100 };

Deno.test("lines beyond the bound of a window are dropped and counted, and beyond the next one it is a flood", () => {
  const guard = new OutputGuard(BOUNDS);
  const verdicts: LineVerdict[] = [1, 2, 3, 4, 5].map(() => guard.take(1, 0));
  assert.deepEqual(verdicts, ["log", "log", "drop", "drop", "flood"]);
  assert.deepEqual([guard.dropped(), guard.dropped()], [2, 0]);
});

Deno.test("every window begins anew", () => {
  const guard = new OutputGuard(BOUNDS);
  for (let now = 0; now < 5000; now += 500) assert.equal(guard.take(1, now), "log");
});

Deno.test("few but long lines are a flood too", () => {
  assert.equal(new OutputGuard(BOUNDS).take(101, 0), "flood");
});
