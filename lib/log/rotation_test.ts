import assert from "node:assert/strict";
import { closedName, isClosedName, isFull, type RotationPolicy, surplus } from "./rotation.ts";

const POLICY: RotationPolicy = { maxBytes: 100, totalBytes: 1000, maxAgeMs: 60_000, keepMs: 3_600_000 };
const NOW = Date.UTC(2026, 2, 1);

Deno.test("a file is full by its size or by its age, and never while it is empty", () => {
  assert.equal(isFull({ bytes: 60, begunAt: NOW }, 40, NOW, POLICY), false);
  assert.equal(isFull({ bytes: 60, begunAt: NOW }, 41, NOW, POLICY), true);
  assert.equal(isFull({ bytes: 1, begunAt: NOW - 60_000 }, 1, NOW, POLICY), true);
  assert.equal(isFull({ bytes: 0, begunAt: NOW - 60_000 }, 500, NOW, POLICY), false);
});

Deno.test("one file takes at most half of the whole", () => {
  assert.equal(isFull({ bytes: 30, begunAt: NOW }, 30, NOW, { ...POLICY, totalBytes: 100 }), true);
});

Deno.test("names sort by age, and nothing else in the folder is taken for a log", () => {
  const names = [
    closedName(NOW),
    closedName(NOW, 2),
    closedName(NOW, 10),
    closedName(NOW + 1),
    closedName(NOW + 86_400_000),
  ];
  assert.deepEqual(names.toSorted(), names);
  assert.ok(names.every(isClosedName));
  assert.ok(isClosedName(closedName(NOW, 3)));
  for (const other of ["worker.log", "worker-notes.log", "worker.err", "../worker-x.log"]) {
    assert.equal(isClosedName(other), false);
  }
});

Deno.test("the oldest files go when all together are too large", () => {
  const file = (n: number, bytes: number) => ({ name: closedName(NOW + n), bytes, lastWriteAt: NOW });
  assert.deepEqual(surplus([file(1, 400), file(2, 400), file(3, 400)], POLICY, NOW), [file(1, 0).name]);
  assert.deepEqual(surplus([file(1, 300), file(2, 300)], POLICY, NOW), []);
});

Deno.test("files that nobody has written for too long go, whatever their size", () => {
  const old = { name: closedName(NOW), bytes: 1, lastWriteAt: NOW - 3_600_001 };
  assert.deepEqual(surplus([old], POLICY, NOW), [old.name]);
});
