import { deepEqual } from "node:assert/strict";
import { RepeatedCalls } from "./repeats.ts";

Deno.test("the same call three answers in a row is going round in circles", () => {
  const calls = new RepeatedCalls();
  const same = [{ name: "status", input: { id: 1, deep: { a: 1, b: 2 } } }];
  const reordered = [{ name: "status", input: { deep: { b: 2, a: 1 }, id: 1 } }];
  deepEqual([calls.add(same), calls.add(reordered), calls.add(same)], [false, false, true]);
});

Deno.test("another call in between begins the count anew", () => {
  const calls = new RepeatedCalls();
  const one = [{ name: "a", input: {} }];
  const other = [{ name: "a", input: { x: 1 } }];
  deepEqual([one, one, other, one, one].map((next) => calls.add(next)), [false, false, false, false, false]);
});

Deno.test("a call counts also when others come with it", () => {
  const calls = new RepeatedCalls();
  const with_ = (n: number) => [{ name: "a", input: {} }, { name: "b", input: { n } }];
  deepEqual([1, 2, 3].map((n) => calls.add(with_(n))), [false, false, true]);
});
