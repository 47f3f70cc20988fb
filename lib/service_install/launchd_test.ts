/** launchd is asked through a stand-in that speaks launchctl's words and remembers what it was given. */
import assert from "node:assert/strict";
import { instantClock } from "../testing/instant_clock.ts";
import type { Call, Caller } from "./command.ts";
import { launchd, readLaunchdState } from "./launchd.ts";

const SERVICE = "gui/501/com.actp.worker";
const OPTIONS = {
  uid: 501,
  definition: "/Users/ann/Library/LaunchAgents/com.actp.worker.plist",
  log: "/Users/ann/.actp-worker/logs/service.log",
  clock: instantClock(),
};

/** Knows one service; it goes some looks after bootout, as the real one does. */
function launchctl(known: boolean, looksUntilGone = 2): { call: Caller; calls: string[] } {
  const calls: string[] = [];
  let leaving = Infinity;
  const call = ({ program, args }: Call) => {
    calls.push([program, ...args].join(" "));
    const result = (ok: boolean, reason = "") =>
      Promise.resolve({ ok, code: ok ? 0 : 113, stdout: [], reason });
    if (args[0] === "print" && args[1] === SERVICE) {
      if (leaving-- <= 0) known = false;
      return result(known, "Could not find service");
    }
    if (args[0] === "bootout") leaving = looksUntilGone;
    if (args[0] === "bootstrap") {
      if (known) return result(false, "Bootstrap failed: 5: Input/output error");
      known = true;
    }
    return result(true);
  };
  return { call, calls };
}

Deno.test("a first installation is enabled and bootstrapped into the person's session", async () => {
  const { call, calls } = launchctl(false);
  await launchd(call, OPTIONS).activate();
  assert.deepEqual(calls, [
    `launchctl print ${SERVICE}`,
    `launchctl enable ${SERVICE}`,
    `launchctl bootstrap gui/501 ${OPTIONS.definition}`,
  ]);
});

Deno.test("an upgrade waits until the old one is gone, since a bootstrap before that fails", async () => {
  const { call, calls } = launchctl(true, 3);
  await launchd(call, OPTIONS).activate();
  assert.deepEqual(calls.map((line) => line.split(" ")[1]), [
    "print",
    "bootout",
    "print",
    "print",
    "print",
    "print",
    "enable",
    "bootstrap",
  ]);
});

Deno.test("a service that does not go is told, with where to look", async () => {
  const { call } = launchctl(true, Infinity);
  await assert.rejects(launchd(call, OPTIONS).deactivate(), /still knows it after 120 s .*launchctl print/);
});

Deno.test("without a desktop session the installation is refused with what to do", async () => {
  const call: Caller = () =>
    Promise.resolve({ ok: false, code: 125, stdout: [], reason: "Could not find domain for gui/501" });
  await assert.rejects(launchd(call, OPTIONS).check(), /Log in at the Mac's screen/);
});

Deno.test("the state is read from launchctl print", () => {
  const lines = [
    "gui/501/com.actp.worker = {",
    "\tactive count = 1",
    "\tstate = running",
    "\tprogram = /x",
    "\tpid = 4711",
    "\truns = 3",
    "\tlast exit code = 1",
    "\tendpoints = {",
    "\t\tstate = other",
    "\t}",
    "}",
  ];
  const { running, pid, restarts, detail } = readLaunchdState(lines);
  assert.deepEqual({ running, pid, restarts, detail }, {
    running: true,
    pid: 4711,
    restarts: 2,
    detail: "running, last exit code 1",
  });
});
