import assert from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { Outage } from "./outage.ts";

Deno.test("an outage is one line when it begins and one with its length when it ends", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  const outage = new Outage("the database", clock);
  outage.succeeded();
  for (let i = 0; i < 20; i++) {
    outage.failed(new Error(`connection refused ${i}`));
    await clock.advance(1000);
  }
  assert.equal(outage.state?.error, "connection refused 0");
  assert.equal(outage.totalMs, 20_000);
  for (let i = 0; i < 5; i++) outage.succeeded();
  assert.equal(outage.state, undefined);
  assert.deepEqual(log.records.map(({ level, message }) => `${level}: ${message}`), [
    "error: connection refused 0",
    "info: the database answers again after 20 s",
  ]);
});

Deno.test("the end of an outage is told once to each who asked, until they no longer ask", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  const outage = new Outage("the database", clock);
  let told = 0;
  const stop = outage.onEnd(() => told++);
  outage.succeeded();
  outage.failed(new Error("gone"));
  await clock.advance(5000);
  assert.equal(told, 0);
  outage.succeeded();
  outage.succeeded();
  assert.equal(told, 1);
  stop();
  outage.failed(new Error("gone"));
  await clock.advance(5000);
  outage.succeeded();
  assert.equal(told, 1);
});

Deno.test("an outage that comes and goes is not told: nobody's back-off may be cut short by it again and again", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  const outage = new Outage("the database", clock);
  outage.onEnd(() => assert.fail("told"));
  for (let i = 0; i < 10; i++) {
    outage.failed(new Error("gone"));
    await clock.advance(2499);
    outage.succeeded();
  }
  await clock.advance(1000);
  assert.equal(outage.totalMs, 24_990);
});
