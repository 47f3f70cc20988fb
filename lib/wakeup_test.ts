import assert from "node:assert/strict";
import { fakeClock } from "./testing/fake_clock.ts";
import { Wakeup } from "./wakeup.ts";

const never = new AbortController().signal;

Deno.test("a wait ends after its time", async () => {
  const clock = fakeClock();
  const wait = new Wakeup().wait(1000, clock, never);
  await clock.advance(999);
  assert.equal(clock.pending(), 1);
  await clock.advance(1);
  assert.equal(await wait, false);
});

Deno.test("a wake ends the present wait at once", async () => {
  const clock = fakeClock();
  const wakeup = new Wakeup();
  const wait = wakeup.wait(1000, clock, never);
  wakeup.wake();
  assert.equal(await wait, true);
  assert.deepEqual([clock.monotonic(), clock.pending()], [0, 0]);
});

Deno.test("a wake while nobody waits ends the next wait, and only that", async () => {
  const clock = fakeClock();
  const wakeup = new Wakeup();
  wakeup.wake();
  wakeup.wake();
  assert.equal(await wakeup.wait(1000, clock, never), true);
  const next = wakeup.wait(1000, clock, never);
  assert.equal(clock.pending(), 1);
  await clock.advance(1000);
  assert.equal(await next, false);
});

Deno.test("an abort ends the wait, and no wait begins after it", async () => {
  const clock = fakeClock();
  const wakeup = new Wakeup();
  const stop = new AbortController();
  const wait = wakeup.wait(1000, clock, stop.signal);
  stop.abort();
  assert.equal(await wait, false);
  assert.equal(await wakeup.wait(1000, clock, stop.signal), false);
  assert.equal(clock.pending(), 0);
});
