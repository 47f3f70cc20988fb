import assert from "node:assert/strict";
import { install } from "@sinonjs/fake-timers";
import { idleLimit } from "./idle_limit.ts";

/** Runs `use` while time stands still unless `pass` lets it. */
function inFakeTime(use: (pass: (ms: number) => void) => void): void {
  const time = install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    use((ms) => void time.tick(ms));
  } finally {
    time.uninstall();
  }
}

Deno.test("a transfer in which nothing moves is ended, with the reason", () => {
  inFakeTime((pass) => {
    const limit = idleLimit(30_000);
    pass(29_999);
    assert.equal(limit.signal.aborted, false);
    pass(1);
    assert.equal(limit.signal.reason.message, "nothing moved for 30 s");
  });
});

Deno.test("every move gives the whole time again", () => {
  inFakeTime((pass) => {
    const limit = idleLimit(1_000);
    for (let n = 0; n < 10; n++) {
      pass(900);
      limit.alive();
    }
    assert.equal(limit.signal.aborted, false);
    pass(1_000);
    assert.equal(limit.signal.aborted, true);
  });
});

Deno.test("a stopped limit ends nothing", () => {
  inFakeTime((pass) => {
    const limit = idleLimit(1_000);
    limit.stop();
    pass(10_000);
    assert.equal(limit.signal.aborted, false);
  });
});
