import assert from "node:assert/strict";
import { systemClock, within } from "./clock.ts";
import { fakeClock } from "./testing/fake_clock.ts";

/** A signal that counts its abort listeners. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener =
    ((...args: Parameters<typeof add>) => (listeners++, add.apply(signal, args))) as typeof add;
  signal.removeEventListener =
    ((...args: Parameters<typeof remove>) => (listeners--, remove.apply(signal, args))) as typeof remove;
  return { controller, signal, listeners: () => listeners };
}

Deno.test("a system sleep ends at once when its signal aborts, before or meanwhile", async () => {
  const stop = new AbortController();
  const sleep = systemClock.sleep(3_600_000, stop.signal);
  stop.abort();
  await sleep;
  await systemClock.sleep(3_600_000, stop.signal);
});

Deno.test("work that ends in time gives its result and leaves no timer and no listener", async () => {
  const clock = fakeClock();
  const { signal, listeners } = countedSignal();
  for (let i = 0; i < 100; i++) {
    assert.equal(await within(clock, 1000, signal, () => Promise.resolve(i)), i);
  }
  await clock.advance(0);
  assert.deepEqual([clock.pending(), listeners()], [0, 0]);
});

Deno.test("work is cut off at its time limit and not before, even when it ignores its signal", async () => {
  const clock = fakeClock();
  let given: AbortSignal | undefined;
  let ended = false;
  const work = within(clock, 1500, undefined, (signal) => {
    given = signal;
    return new Promise<never>(() => {});
  }).finally(() => ended = true);
  const rejected = assert.rejects(work, { message: "no answer within 1.5 s" });
  await clock.advance(1499);
  assert.deepEqual([ended, given?.aborted], [false, false]);
  await clock.advance(1);
  await rejected;
  assert.equal(given?.aborted, true);
});

Deno.test("an abort ends the work with the signal's reason; after one, work is not begun", async () => {
  const clock = fakeClock();
  const { controller, signal, listeners } = countedSignal();
  let begun = 0;
  const hang = () => (begun++, new Promise<never>(() => {}));
  const rejected = assert.rejects(within(clock, 1000, signal, hang), { message: "enough" });
  controller.abort(new Error("enough"));
  await rejected;
  await assert.rejects(within(clock, 1000, signal, hang), { message: "enough" });
  await clock.advance(0);
  assert.deepEqual([begun, clock.pending(), listeners()], [1, 0, 0]);
});

Deno.test("the work's own error comes through, thrown at once or later", async () => {
  const clock = fakeClock();
  const fail = () => {
    throw new TypeError("broken");
  };
  await assert.rejects(within(clock, 1000, undefined, fail), TypeError);
  await assert.rejects(within(clock, 1000, undefined, () => Promise.resolve().then(fail)), TypeError);
  assert.equal(clock.pending(), 0);
});
