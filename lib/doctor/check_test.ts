import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { type Check, examine, ok } from "./check.ts";

Deno.test("checks run side by side, and their answers come in order with their names", async () => {
  const gate = Promise.withResolvers<void>();
  const checks: Check[] = [
    { name: "slow", run: () => gate.promise.then(() => ok("at last")) },
    {
      name: "fast",
      run: () => (gate.resolve(), Promise.resolve({ status: "warn", detail: "hm", fix: "do" })),
    },
  ];
  assert.deepEqual(await examine(checks, fakeClock()), [
    { name: "slow", status: "ok", detail: "at last" },
    { name: "fast", status: "warn", detail: "hm", fix: "do" },
  ]);
});

Deno.test("a check that throws has failed, also before it begins to wait", async () => {
  const checks: Check[] = [
    { name: "a", run: () => Promise.reject(new Error("no such disk")) },
    {
      name: "b",
      run() {
        throw new Error("boom");
      },
    },
  ];
  assert.deepEqual(await examine(checks, fakeClock()), [
    { name: "a", status: "fail", detail: "no such disk" },
    { name: "b", status: "fail", detail: "boom" },
  ]);
});

Deno.test("a check that hangs is given up after twenty seconds and does not hold up the others' answers", async () => {
  const clock = fakeClock();
  const running = examine([
    { name: "hangs", run: () => new Promise(() => {}) },
    { name: "works", run: () => Promise.resolve(ok("yes")) },
  ], clock);
  await clock.advance(20_000);
  const [hangs, works] = await running;
  assert.match(hangs!.detail, /no answer within 20 s/);
  assert.equal(works!.status, "ok");
  assert.equal(clock.pending(), 0);
});
