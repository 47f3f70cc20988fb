import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { DatabaseTime } from "./database_time.ts";

Deno.test("the database's clock is followed, however wrong the machine's own is", async () => {
  const clock = fakeClock(Date.UTC(2020, 0, 1));
  const time = new DatabaseTime(clock);
  const sent = clock.monotonic();
  await clock.advance(200);
  time.heard(1_000_000, sent); // it was read some time in those 200 ms
  assert.equal(time.now(), 1_000_100);
  await clock.advance(5000);
  assert.equal(time.now(), 1_005_100);
});

Deno.test("a clock that was set, and sleep in which time went on unnoticed, show until the database is heard", async () => {
  const clock = fakeClock();
  const time = new DatabaseTime(clock);
  await clock.advance(60_000);
  assert.equal(time.jumped(), false);
  for (const jump of [3_600_000, -7_200_000]) {
    clock.jump(jump);
    assert.equal(time.jumped(), true);
    time.heard(5, clock.monotonic());
    assert.equal(time.jumped(), false);
  }
});
