import assert from "node:assert/strict";
import fc from "fast-check";
import { matchesPattern, typeRooms } from "./concurrency.ts";

const LIMITS = { remotion_render: 1, "safari_*": 2 };

Deno.test("a pattern is a whole type, or the beginning of one before a star", () => {
  assert.ok(matchesPattern("safari_*", "safari_upload"));
  assert.ok(matchesPattern("safari_*", "safari_"));
  assert.ok(matchesPattern("*", "anything"));
  assert.ok(matchesPattern("render", "render"));
  for (const type of ["render2", "rende", "Render", "safari"]) {
    assert.ok(!matchesPattern("render", type), type);
  }
  assert.ok(!matchesPattern("safari.*", "safari_upload"));
});

Deno.test("without a limit that applies, every type may be claimed and nothing is said of rooms", () => {
  assert.deepEqual(typeRooms(["a", "b"], ["a"]), { types: ["a", "b"] });
  assert.deepEqual(typeRooms(["a", "b"], ["a"], LIMITS), { types: ["a", "b"] });
});

Deno.test("types under one pattern share its limit", () => {
  const types = ["safari_a", "safari_b", "ffmpeg"];
  assert.deepEqual(typeRooms(types, [], LIMITS), { types, rooms: { "safari_*": 2 } });
  assert.deepEqual(typeRooms(types, ["safari_a"], LIMITS), { types, rooms: { "safari_*": 1 } });
  assert.deepEqual(typeRooms(types, ["safari_a", "safari_b"], LIMITS), {
    types: ["ffmpeg"],
    rooms: { "safari_*": 0 },
  });
});

Deno.test("a type under two limits has to fit both, and more running than allowed is no negative room", () => {
  const limits = { "*": 3, a: 1 };
  assert.deepEqual(typeRooms(["a", "b"], ["a", "a"], limits), { types: ["b"], rooms: { "*": 1, a: 0 } });
  assert.deepEqual(typeRooms(["a", "b"], ["b", "b", "b", "b"], limits), {
    types: [],
    rooms: { "*": 0, a: 1 },
  });
});

Deno.test("whoever claims within the rooms stays within every limit", () => {
  const type = fc.constantFrom("a", "b", "c_1", "c_2", "c_3");
  const limits = fc.dictionary(fc.constantFrom("a", "b", "c_*", "*"), fc.integer({ min: 1, max: 4 }));
  fc.assert(fc.property(limits, fc.array(type, { maxLength: 40 }), (limits, wishes) => {
    const running: string[] = [];
    for (const wish of wishes) {
      if (typeRooms(["a", "b", "c_1", "c_2", "c_3"], running, limits).types.includes(wish)) {
        running.push(wish);
      }
    }
    for (const [pattern, limit] of Object.entries(limits)) {
      assert.ok(running.filter((type) => matchesPattern(pattern, type)).length <= limit);
    }
  }));
});
