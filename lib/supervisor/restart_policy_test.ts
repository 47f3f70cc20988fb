import assert from "node:assert/strict";
import { crashesWithinHour, isFinished, restartDelay } from "./restart_policy.ts";

const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;
const killed = { code: null, faulty: false };

function crashes(count: number, agoMs = MINUTE): number[] {
  return Array.from({ length: count }, (_, index) => NOW - agoMs - index);
}

Deno.test("up to five crashes in an hour are followed by a restart at once", () => {
  for (let count = 1; count <= 5; count++) {
    assert.equal(restartDelay("always", killed, crashes(count), NOW), 0);
  }
});

Deno.test("from the sixth crash on the delay is 2^crashes seconds, at most 300", () => {
  const delays = [6, 7, 8, 9, 10, 1000].map((count) => restartDelay("always", killed, crashes(count), NOW));
  assert.deepEqual(delays, [64_000, 128_000, 256_000, 300_000, 300_000, 300_000]);
});

Deno.test("crashes of more than an hour ago do not delay a restart", () => {
  const old = crashes(50, 60 * MINUTE);
  assert.equal(crashesWithinHour(old, NOW), 0);
  assert.equal(restartDelay("always", killed, [...old, ...crashes(5)], NOW), 0);
  assert.equal(restartDelay("always", killed, [...old, ...crashes(6)], NOW), 64_000);
});

Deno.test("a clock that was set back does not make crashes disappear", () => {
  assert.equal(crashesWithinHour([NOW + 5 * MINUTE], NOW), 1);
});

Deno.test("a program that says its configuration is bad is tried again every five minutes", () => {
  assert.equal(restartDelay("always", { code: 78, faulty: false }, crashes(1), NOW), 300_000);
});

Deno.test("each restart mode has its own idea of an end that is all right", () => {
  const ends = [{ code: 0, faulty: false }, { code: 1, faulty: false }, killed, { code: 0, faulty: true }];
  assert.deepEqual(ends.map((end) => isFinished("always", end)), [false, false, false, false]);
  assert.deepEqual(ends.map((end) => isFinished("on-failure", end)), [true, false, false, false]);
  assert.deepEqual(ends.map((end) => isFinished("never", end)), [true, false, false, false]);
  assert.equal(restartDelay("on-failure", killed, crashes(1), NOW), 0);
  assert.equal(restartDelay("never", killed, crashes(1), NOW), undefined);
});
