import assert from "node:assert/strict";
import { seededRandom } from "../../lib/testing/random.ts";
import { growsBeyond, trend } from "./trend.ts";

/** Five minutes of a sample a second: 100, growing, plus noise. */
function samples(perHour: number, noise: number) {
  const random = seededRandom(3);
  return Array.from({ length: 300 }, (_, i) => ({
    at: 1_700_000_000_000 + i * 1000,
    value: 100 + perHour * i / 3600 + noise * (random() - 0.5),
  }));
}

Deno.test("a straight line is found exactly", () => {
  const { perHour, error } = trend(samples(60, 0));
  assert.ok(Math.abs(perHour - 60) < 1e-6);
  assert.ok(error < 1e-6);
});

Deno.test("a leak shows through noise, noise alone is no leak", () => {
  assert.ok(growsBeyond(trend(samples(200, 10)), 50));
  assert.ok(!growsBeyond(trend(samples(0, 10)), 1));
});

Deno.test("growth below the limit and shrinking are fine", () => {
  assert.ok(!growsBeyond(trend(samples(40, 1)), 50));
  assert.ok(!growsBeyond(trend(samples(-400, 1)), 50));
});

Deno.test("two samples prove nothing, one is an error", () => {
  assert.ok(!growsBeyond(trend([{ at: 0, value: 0 }, { at: 1000, value: 9 }]), 1));
  assert.throws(() => trend([{ at: 5, value: 1 }, { at: 5, value: 2 }]), /two moments/);
});
