import assert from "node:assert/strict";
import { spanText } from "./span.ts";

Deno.test("a span is told in the unit that people would use", () => {
  const minutes = (count: number) => spanText(count * 60_000);
  assert.equal(spanText(0), "0 seconds");
  assert.equal(spanText(1000), "1 second");
  assert.equal(spanText(59_700), "1 minute");
  assert.equal(spanText(90_000), "90 seconds");
  assert.deepEqual([2, 45, 59.99, 60, 90, 119.99].map(minutes), [
    "2 minutes",
    "45 minutes",
    "1 hour",
    "1 hour",
    "90 minutes",
    "2 hours",
  ]);
  assert.deepEqual([23, 24, 30, 71.9].map((hours) => minutes(hours * 60)), [
    "23 hours",
    "1 day",
    "30 hours",
    "3 days",
  ]);
  assert.equal(spanText(-3_600_000), "1 hour");
});
