import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { ExpiringSecrets } from "./sessions.ts";

Deno.test("a secret holds until its time is up", async () => {
  const clock = fakeClock();
  const secrets = new ExpiringSecrets(clock, 1000);
  const secret = secrets.issue();
  await clock.advance(999);
  assert.equal(secrets.holds(secret), true);
  await clock.advance(1);
  assert.equal(secrets.holds(secret), false);
  assert.equal(secrets.take(secret), false);
});

Deno.test("a secret is taken once", () => {
  const secrets = new ExpiringSecrets(fakeClock(), 1000);
  const secret = secrets.issue();
  assert.deepEqual([secrets.take(secret), secrets.take(secret)], [true, false]);
  assert.equal(secrets.holds("never issued"), false);
});

Deno.test("the oldest secret gives way when there are too many", () => {
  const secrets = new ExpiringSecrets(fakeClock(), 1000, 3);
  const issued = Array.from({ length: 5 }, () => secrets.issue());
  assert.deepEqual(issued.map((secret) => secrets.holds(secret)), [false, false, true, true, true]);
});

Deno.test("expired secrets give way before living ones", async () => {
  const clock = fakeClock();
  const secrets = new ExpiringSecrets(clock, 1000, 2);
  secrets.issue();
  await clock.advance(600);
  const living = secrets.issue();
  await clock.advance(600);
  const newest = secrets.issue();
  assert.deepEqual([secrets.holds(living), secrets.holds(newest)], [true, true]);
});
