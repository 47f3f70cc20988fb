import assert from "node:assert/strict";
import { fakeClock } from "./fake_clock.ts";

Deno.test("sleepers wake in the order of their due times, at their due times", async () => {
  const clock = fakeClock(1000);
  const woken: string[] = [];
  for (const ms of [30, 10, 20, 10]) {
    void clock.sleep(ms).then(() => woken.push(`${ms}@${clock.now()}`));
  }
  assert.equal(clock.pending(), 4);
  await clock.advance(20);
  assert.deepEqual(woken, ["10@1010", "10@1010", "20@1020"]);
  assert.equal(clock.pending(), 1);
  await clock.advance(10);
  assert.equal(woken.at(-1), "30@1030");
});

Deno.test("a loop that sleeps again and again is carried along by one advance", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  let ticks = 0;
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(100, stop.signal);
      ticks++;
    }
  })();
  await clock.advance(1050);
  assert.equal(ticks, 10);
  assert.equal(clock.monotonic(), 1050);
  stop.abort();
  await loop;
  assert.equal(clock.pending(), 0);
});

Deno.test("an aborted sleep ends at once, without time passing", async () => {
  const clock = fakeClock();
  await clock.sleep(1000, AbortSignal.abort());
  const stop = new AbortController();
  const sleep = clock.sleep(1000, stop.signal);
  stop.abort();
  await sleep;
  assert.equal(clock.monotonic(), 0);
});

Deno.test("a sleep of nothing ends by itself", async () => {
  await fakeClock().sleep(0);
});

Deno.test("a jump moves the wall clock only", async () => {
  const clock = fakeClock(0);
  let woken = false;
  const sleep = clock.sleep(1000).then(() => woken = true);
  clock.jump(3_600_000);
  await clock.advance(999);
  assert.deepEqual([clock.now(), clock.monotonic(), woken], [3_600_999, 999, false]);
  clock.jump(-3_600_000);
  await clock.advance(1);
  await sleep;
  assert.equal(clock.now(), 1000);
});
