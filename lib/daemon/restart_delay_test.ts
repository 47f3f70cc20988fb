import assert from "node:assert/strict";
import { afterRun, endText, type RunEnd } from "./restart_delay.ts";

const KILLED: RunEnd = { code: null, signal: "SIGKILL", cameUp: true, ranMs: 5000 };
const delays = (failures: number[]) =>
  failures.map((before) => {
    const verdict = afterRun(KILLED, before, false);
    return verdict.kind === "restart" ? verdict.delayMs / 1000 : verdict.why;
  });

Deno.test("after a crash it starts again after a second, then after twice as long each time, at most 5 minutes", () => {
  assert.deepEqual(delays([0, 1, 2, 3, 7, 8, 9, 50]), [1, 2, 4, 8, 128, 256, 300, 300]);
});

Deno.test("a run of ten minutes makes the failures before it forgotten", () => {
  assert.deepEqual(afterRun({ ...KILLED, ranMs: 600_000 }, 9, false), {
    kind: "restart",
    delayMs: 1000,
    failures: 1,
  });
});

Deno.test("a stop, a wrong command line or configuration and a second worker end it", () => {
  for (const code of [0, 2, 75, 78]) {
    assert.equal(afterRun({ ...KILLED, code, signal: null }, 0, false).kind, "end");
  }
});

Deno.test("a daemon that does not come up at the first start is not started again; later it is", () => {
  const failed = { code: 1, signal: null, cameUp: false, ranMs: 300 };
  assert.deepEqual(afterRun(failed, 0, true), { kind: "end", why: "it did not come up" });
  assert.equal(afterRun(failed, 0, false).kind, "restart");
});

Deno.test("a first run that came up and crashed is started again", () => {
  assert.equal(afterRun(KILLED, 0, true).kind, "restart");
});

Deno.test("an end is told by its signal or its exit code", () => {
  assert.deepEqual([endText(KILLED), endText({ code: 1, signal: null })], ["SIGKILL", "exit code 1"]);
});
