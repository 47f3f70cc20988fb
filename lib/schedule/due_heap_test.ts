import assert from "node:assert/strict";
import fc from "fast-check";
import { DueHeap } from "./due_heap.ts";

Deno.test("items come out in the order of their due times, however they go in", () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant("pop" as const))), (steps) => {
    const heap = new DueHeap<{ at: number }>();
    let model: number[] = [];
    for (const step of steps) {
      if (step === "pop") {
        assert.equal(heap.pop()?.at, model[0]);
        model = model.slice(1);
      } else {
        heap.push({ at: step });
        model = [...model, step].sort((a, b) => a - b);
      }
      assert.deepEqual([heap.size, heap.peek()?.at], [model.length, model[0]]);
    }
  }));
});
