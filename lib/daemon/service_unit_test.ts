import assert from "node:assert/strict";
import { ownServiceUnit, restartCommand, unitOf, type UnitSource } from "./service_unit.ts";

const SOURCE: UnitSource = { env: {}, cgroup: () => Promise.resolve(undefined), uid: 1000, pid: 77 };
const CGROUP = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/actp-worker.service\n";

Deno.test("a unit is read from the control group, of the machine or of a person, with both versions", () => {
  assert.deepEqual(unitOf(CGROUP), { name: "actp-worker.service", ofUser: true });
  assert.deepEqual(unitOf("0::/system.slice/actp-worker.service"), {
    name: "actp-worker.service",
    ofUser: false,
  });
  const hybrid = "9:name=systemd:/system.slice/a.service\n8:pids:/\n0::/\n";
  assert.deepEqual(unitOf(hybrid), { name: "a.service", ofUser: false });
});

Deno.test("a terminal's session is no service", () => {
  assert.equal(unitOf("0::/user.slice/user-1000.slice/session-3.scope"), undefined);
  assert.equal(unitOf(""), undefined);
});

Deno.test("systemd means this process where it gives it a notify socket or its own pid", async () => {
  const cgroup = () => Promise.resolve(CGROUP);
  const expected = { manager: "systemd", name: "actp-worker.service", ofUser: true, journal: true };
  for (
    const env of [{ NOTIFY_SOCKET: "/run/n", JOURNAL_STREAM: "1:2" }, {
      SYSTEMD_EXEC_PID: "77",
      JOURNAL_STREAM: "1:2",
    }]
  ) {
    assert.deepEqual(await ownServiceUnit({ ...SOURCE, env, cgroup }), expected);
  }
});

Deno.test("what a service has started by hand is not that service", async () => {
  const env = { INVOCATION_ID: "a", SYSTEMD_EXEC_PID: "76", JOURNAL_STREAM: "1:2" };
  assert.equal(await ownServiceUnit({ ...SOURCE, env, cgroup: () => Promise.resolve(CGROUP) }), undefined);
});

Deno.test("launchd tells its label; programs of the desktop are none of its services", async () => {
  const unit = await ownServiceUnit({ ...SOURCE, env: { XPC_SERVICE_NAME: "com.example.worker" } });
  assert.deepEqual(unit, { manager: "launchd", name: "com.example.worker", ofUser: true, journal: false });
  for (const name of ["0", "", "application.com.apple.Terminal.123"]) {
    assert.equal(await ownServiceUnit({ ...SOURCE, env: { XPC_SERVICE_NAME: name } }), undefined);
  }
});

Deno.test("a service is started again by its own manager", () => {
  const unit = { name: "a.service", ofUser: true, journal: true } as const;
  assert.deepEqual(restartCommand({ ...unit, manager: "systemd" }, 5), [
    "systemctl",
    "--user",
    "restart",
    "a.service",
  ]);
  assert.deepEqual(restartCommand({ ...unit, manager: "systemd", ofUser: false }, 0), [
    "systemctl",
    "restart",
    "a.service",
  ]);
  assert.deepEqual(restartCommand({ ...unit, manager: "launchd", name: "com.x" }, 5), [
    "launchctl",
    "kickstart",
    "-k",
    "gui/5/com.x",
  ]);
});
