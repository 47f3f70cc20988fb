import assert from "node:assert/strict";
import type { ServicePlan } from "./definition.ts";
import { parseDefinition } from "./installed.ts";
import { launchdPlist } from "./launchd_plist.ts";
import { layoutOf } from "./layout.ts";
import { systemdUnit } from "./systemd_unit.ts";
import { fillTemplate, TEMPLATES } from "./template.ts";
import { parsePlist } from "../testing/plist.ts";

function plan(
  os: "linux" | "darwin",
  scope: "user" | "system",
  home = "/home/ann/.actp-worker",
): ServicePlan {
  return {
    layout: layoutOf({ os, scope, home, userHome: "/home/ann" }),
    user: "actp-worker",
    command: ["/home/ann/.local/lib/actp-worker/actp-worker", "start", "--foreground"],
    environment: { ACTP_HOME: home, PATH: "/opt/my tools/bin:/usr/bin" },
    writableFolders: [`${home}/files`, "/srv/films"],
    stopSeconds: 70,
  };
}

/** The settings of a unit; those that come several times as a list. */
function settingsOf(unit: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [, name, value] of unit.matchAll(/^(\w+)=(.*)$/gm)) (found[name] ??= []).push(value);
  return found;
}

Deno.test("a unit notifies, is watched, restarts after failures, and not after a bad configuration", () => {
  for (const scope of ["user", "system"] as const) {
    const unit = settingsOf(systemdUnit(plan("linux", scope), 252));
    assert.deepEqual(unit.Type, ["notify"]);
    assert.deepEqual(unit.WatchdogSec, ["60"]);
    assert.deepEqual(unit.Restart, ["on-failure"]);
    assert.deepEqual(unit.RestartPreventExitStatus, ["78"]);
    assert.deepEqual(unit.KillMode, ["mixed"]);
    assert.deepEqual(unit.TimeoutStopSec, ["70"]);
    assert.deepEqual(unit.StandardOutput, ["journal"]);
    assert.deepEqual(unit.LimitCORE, ["0"]);
    assert.deepEqual(unit.EnvironmentFile, ["-/home/ann/.actp-worker/service.env"]);
  }
});

Deno.test("the pause between restarts grows where systemd can do that", () => {
  assert.equal(settingsOf(systemdUnit(plan("linux", "user"), 252)).RestartSteps, undefined);
  assert.deepEqual(settingsOf(systemdUnit(plan("linux", "user"), 254)).RestartMaxDelaySec, ["60"]);
});

Deno.test("a person's unit goes with the person's session, the machine's with the machine", () => {
  assert.deepEqual(settingsOf(systemdUnit(plan("linux", "user"), 252)).WantedBy, ["default.target"]);
  const system = settingsOf(systemdUnit(plan("linux", "system"), 252));
  assert.deepEqual(system.WantedBy, ["multi-user.target"]);
  assert.deepEqual(system.User, ["actp-worker"]);
});

Deno.test("the machine's service may write to its own folders only", () => {
  const usual = settingsOf(systemdUnit(plan("linux", "system", "/var/lib/actp-worker"), 252));
  assert.deepEqual(usual.StateDirectory, ["actp-worker"]);
  assert.deepEqual(usual.ReadWritePaths, ['"-/srv/films"']);
  assert.deepEqual(usual.ProtectSystem, ["strict"]);
  const elsewhere = settingsOf(systemdUnit(plan("linux", "system", "/srv/worker"), 252));
  assert.equal(elsewhere.StateDirectory, undefined);
  assert.deepEqual(elsewhere.ReadWritePaths, ['"/srv/worker"', '"-/srv/films"']);
});

Deno.test("blanks, quotes, percent and dollar signs in paths mean themselves", () => {
  const odd = { ...plan("linux", "user", "/home/a b/50%"), command: [`/x/a "b"`, "$HOME", "100%"] };
  const unit = settingsOf(systemdUnit(odd, 252));
  assert.deepEqual(unit.ExecStart, [`"/x/a \\"b\\"" "$$HOME" 100%%`]);
  assert.deepEqual(unit.WorkingDirectory, ["/home/a b/50%%"]);
  assert.deepEqual(unit.Environment[0], `"ACTP_HOME=/home/a b/50%%"`);
});

Deno.test("a line break cannot smuggle a setting into a definition", () => {
  const evil = { ...plan("linux", "user"), environment: { PATH: "/bin\nExecStartPre=/bin/evil" } };
  assert.throws(() => systemdUnit(evil, 252), /PATH contains a control character/);
  assert.throws(() => launchdPlist({ ...evil, layout: plan("darwin", "user").layout }), /control character/);
});

Deno.test("the LaunchAgent says, key by key, what launchd shall do", () => {
  assert.deepEqual(parsePlist(launchdPlist(plan("darwin", "user"))), {
    Label: "com.actp.worker",
    ProgramArguments: ["/home/ann/.local/lib/actp-worker/actp-worker", "start", "--foreground"],
    EnvironmentVariables: { ACTP_HOME: "/home/ann/.actp-worker", PATH: "/opt/my tools/bin:/usr/bin" },
    WorkingDirectory: "/home/ann/.actp-worker",
    LimitLoadToSessionType: "Aqua",
    ProcessType: "Interactive",
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 70,
    Umask: 0o077,
    SoftResourceLimits: { Core: 0, NumberOfFiles: 8192 },
    StandardOutPath: "/home/ann/.actp-worker/logs/service.log",
    StandardErrorPath: "/home/ann/.actp-worker/logs/service.log",
  });
});

Deno.test("what XML means otherwise is escaped in the LaunchAgent", () => {
  const odd = { ...plan("darwin", "user"), environment: { PATH: "/a&b/<c>" } };
  assert.deepEqual(
    (parsePlist(launchdPlist(odd)) as { EnvironmentVariables: unknown }).EnvironmentVariables,
    { PATH: "/a&b/<c>" },
  );
});

Deno.test("home, account and PATH are read back from a definition", () => {
  const home = "/home/a b/50%";
  const path = "/opt/my tools/bin:/usr/bin";
  assert.deepEqual(parseDefinition(systemdUnit(plan("linux", "user", home), 252)), {
    home,
    path,
    user: undefined,
  });
  assert.equal(parseDefinition(systemdUnit(plan("linux", "system"), 252))?.user, "actp-worker");
  assert.deepEqual(parseDefinition(launchdPlist(plan("darwin", "user", "/a&b"))), { home: "/a&b", path });
  assert.equal(parseDefinition("[Unit]\n"), undefined);
});

Deno.test("a template and its values must fit each other", () => {
  assert.throws(() => fillTemplate("{{a}}", {}), /asks for a/);
  assert.throws(() => fillTemplate("", { b: "" }), /does not ask for b/);
  for (const template of Object.values(TEMPLATES)) assert.match(template, /\{\{home\}\}/);
});
