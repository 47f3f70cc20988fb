import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import type { Caller } from "./command.ts";
import { describeInstall, install, type Installation } from "./install.ts";
import { layoutOf } from "./layout.ts";
import { readState, systemd, systemdVersion } from "./systemd.ts";
import { describeRemoval, uninstall } from "./uninstall.ts";

const SECRET = "key-that-nobody-may-see";

/** systemctl as it answers for a unit that `running` tells of; remembers its calls. */
function systemctl(running: () => boolean): { call: Caller; calls: string[] } {
  const calls: string[] = [];
  const call: Caller = ({ program, args }) => {
    calls.push([program, ...args].join(" "));
    const up = running();
    const stdout = args.includes("--property=MainPID")
      ? [
        `LoadState=${up ? "loaded" : "not-found"}`,
        `ActiveState=${up ? "active" : "inactive"}`,
        "SubState=x",
        `UnitFileState=${up ? "enabled" : ""}`,
        `MainPID=${up ? 9 : 0}`,
      ]
      : ["systemd 252 (252.38)"];
    return Promise.resolve({ ok: true, code: 0, stdout, reason: "" });
  };
  return { call, calls };
}

async function prepare(folder: string): Promise<Installation> {
  const from = join(folder, "download");
  await Deno.writeTextFile(from, "#!/bin/sh\n", { mode: 0o755 });
  const layout = layoutOf({ os: "linux", scope: "user", userHome: folder, home: join(folder, "home") });
  const to = join(layout.programFolder, "actp-worker");
  return {
    plan: {
      layout,
      user: "ann",
      command: [to, "start", "--foreground"],
      environment: {},
      writableFolders: [],
      stopSeconds: 70,
    },
    program: { from, to, command: [to, "start"] },
    settings: { SUPABASE_SECRET_KEY: SECRET },
    variables: { LANG: "C" },
  };
}

Deno.test("the files are written with their modes, then the unit is loaded, enabled and started", async () => {
  await using folder = await tempDir();
  const installation = await prepare(folder.path);
  const { layout } = installation.plan;
  const { call, calls } = systemctl(() => false);
  assert.deepEqual(await install(installation, systemd("user", call), call), { unchanged: false });
  const modes: [string, number][] = [
    [layout.home, 0o700],
    [layout.settings, 0o600],
    [layout.environment, 0o600],
    [layout.definition, 0o644],
    [installation.program.to, 0o755],
  ];
  for (const [path, mode] of modes) assert.equal((await Deno.stat(path)).mode! & 0o777, mode, path);
  assert.match(await Deno.readTextFile(layout.settings), new RegExp(SECRET));
  assert.doesNotMatch(await Deno.readTextFile(layout.definition), new RegExp(SECRET));
  assert.deepEqual(calls.slice(-4), [
    "systemctl --user daemon-reload",
    "systemctl --user reset-failed actp-worker.service",
    "systemctl --user enable actp-worker.service",
    "systemctl --user restart actp-worker.service",
  ]);
});

Deno.test("the same again restarts nothing; a changed setting does", async () => {
  await using folder = await tempDir();
  const installation = await prepare(folder.path);
  const { call, calls } = systemctl(() => true);
  const manager = systemd("user", call);
  await install(installation, manager, call);
  calls.length = 0;
  assert.deepEqual(await install(installation, manager, call), { unchanged: true });
  assert.ok(!calls.some((line) => line.includes("restart")));
  const changed = { ...installation, settings: { SUPABASE_SECRET_KEY: "another" } };
  assert.deepEqual(await install(changed, manager, call), { unchanged: false });
});

Deno.test("a dry run tells what would be done, without a secret and without a change", async () => {
  await using folder = await tempDir();
  const installation = await prepare(folder.path);
  const { call } = systemctl(() => false);
  const lines = await describeInstall(installation, systemd("user", call), call);
  assert.match(lines.join("\n"), /write .*\.env \(0600\)[\s\S]*systemctl --user restart/);
  assert.ok(!lines.join().includes(SECRET));
  await assert.rejects(Deno.stat(installation.plan.layout.definition), Deno.errors.NotFound);
});

Deno.test("a person's own settings outlive the service", async () => {
  await using folder = await tempDir();
  const installation = await prepare(folder.path);
  const { layout } = installation.plan;
  await Deno.mkdir(layout.home);
  await Deno.writeTextFile(layout.settings, "MINE=1\n");
  const { call } = systemctl(() => true);
  const manager = systemd("user", call);
  await install(installation, manager, call);
  const removal = { layout, installed: undefined, purge: false, userHome: folder.path };
  assert.equal(await uninstall(removal, manager, call), true);
  assert.equal(await Deno.readTextFile(layout.settings), "MINE=1\n");
  await assert.rejects(Deno.stat(layout.programFolder), Deno.errors.NotFound);
});

Deno.test("a folder that is no worker's is never purged", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "thesis.tex"), "");
  const layout = layoutOf({ os: "linux", scope: "user", userHome: folder.path, home: folder.path });
  const { call } = systemctl(() => false);
  const removal = { layout, installed: undefined, purge: true, userHome: "/home/ann" };
  await assert.rejects(
    describeRemoval(removal, systemd("user", call), call),
    /does not look like a worker's/,
  );
});

Deno.test("an account is removed only if the installation makes it and everything goes", async () => {
  await using folder = await tempDir();
  const layout = layoutOf({
    os: "linux",
    scope: "system",
    userHome: "/root",
    home: join(folder.path, "none"),
  });
  const { call } = systemctl(() => false);
  const last = async (user: string, purge: boolean) =>
    (await describeRemoval(
      { layout, installed: { home: layout.home, user }, purge, userHome: "/root" },
      systemd("system", call),
      call,
    )).at(-1);
  assert.equal(await last("actp-worker", true), "userdel actp-worker");
  assert.doesNotMatch((await last("actp-worker", false))!, /userdel/);
  assert.doesNotMatch((await last("render", true))!, /userdel/);
});

Deno.test("a machine without systemd is told how to run the worker all the same", async () => {
  const call: Caller = () =>
    Promise.resolve({ ok: false, code: 1, stdout: [], reason: "Failed to connect to bus" });
  await assert.rejects(systemd("user", call).check(), /Log in as yourself .*--system/);
  await assert.rejects(systemd("system", call).check(), /actp-worker start/);
});

Deno.test("whether the service outlives a logout is asked, and the command told", async () => {
  const answers = (ok: boolean, line: string): Caller => () =>
    Promise.resolve({ ok, code: ok ? 0 : 1, stdout: [line], reason: "" });
  const fix = "loginctl enable-linger ann";
  assert.deepEqual(await systemd("user", answers(true, "no")).lingering("ann"), { lingers: false, fix });
  assert.deepEqual(await systemd("user", answers(true, "yes")).lingering("ann"), { lingers: true, fix });
  assert.deepEqual(await systemd("user", answers(false, "")).lingering("ann"), { lingers: undefined, fix });
  assert.equal(await systemd("system", answers(true, "no")).lingering("ann"), undefined);
});

Deno.test("version and state are read from systemd's own words", () => {
  assert.equal(systemdVersion(["systemd 252 (252.38-1~deb12u1)", "+PAM"]), 252);
  assert.equal(systemdVersion([]), 0);
  const failed = [
    "LoadState=loaded",
    "ActiveState=failed",
    "SubState=failed",
    "Result=watchdog",
    "MainPID=0",
    "NRestarts=4",
  ];
  assert.deepEqual(readState(failed), {
    installed: true,
    enabled: false,
    running: false,
    pid: undefined,
    detail: "failed (failed, watchdog)",
    restarts: 4,
  });
});
