import assert from "node:assert/strict";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { rateLimit } from "./rate_limit.ts";

const never = new AbortController().signal;

/** When each of `count` requests that come at once may begin, in ms. */
async function begins(count: number, max: number, windowMs: number, clock = fakeClock()): Promise<number[]> {
  const limit = rateLimit(max, windowMs, clock);
  const times: number[] = [];
  const all = Array.from(
    { length: count },
    () => limit.turn(never).then(() => times.push(clock.monotonic())),
  );
  while (times.length < count) await clock.advance(100);
  await Promise.all(all);
  return times;
}

Deno.test("no more than the limit begin within any window", async () => {
  assert.deepEqual(await begins(5, 2, 1_000), [0, 0, 1_000, 1_000, 2_000]);
});

Deno.test("the window slides: requests that come late do not make room early", async () => {
  const clock = fakeClock();
  const limit = rateLimit(2, 1_000, clock);
  await limit.turn(never);
  await clock.advance(900);
  await limit.turn(never);
  await clock.advance(100); // the first is out of the window now, the second is not
  await limit.turn(never);
  let fourth = -1;
  const waiting = limit.turn(never).then(() => fourth = clock.monotonic());
  await clock.advance(899);
  assert.equal(fourth, -1);
  await clock.advance(1);
  await waiting;
  assert.equal(fourth, 1_900);
});

Deno.test("a pause holds everybody back", async () => {
  const clock = fakeClock();
  const limit = rateLimit(10, 1_000, clock);
  limit.pause(5_000);
  limit.pause(1_000); // a shorter one changes nothing
  let began = 0;
  const waiting = [limit.turn(never), limit.turn(never)].map((turn) => turn.then(() => began++));
  await clock.advance(4_999);
  assert.equal(began, 0);
  await clock.advance(1);
  await Promise.all(waiting);
  assert.equal(began, 2);
});

Deno.test("whoever is called off while waiting does not count", async () => {
  const clock = fakeClock();
  const limit = rateLimit(1, 1_000, clock);
  await limit.turn(never);
  const stop = new AbortController();
  const waiting = limit.turn(stop.signal);
  stop.abort(new Error("cancelled"));
  await assert.rejects(waiting, /cancelled/);
  await clock.advance(1_000);
  await limit.turn(never);
});
