import assert from "node:assert/strict";
import { seededRandom } from "./random.ts";

const draw = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed));

Deno.test("the same seed draws the same numbers, another seed others", () => {
  assert.deepEqual(draw(7, 50), draw(7, 50));
  assert.notDeepEqual(draw(7, 50), draw(8, 50));
});

Deno.test("drawn numbers lie in [0, 1) and spread evenly", () => {
  const numbers = draw(1, 10_000);
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    const count = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
    assert.ok(count > 900 && count < 1100, `tenth ${tenth}: ${count}`);
  }
});
