/** The life of a worker in the background: real processes and real signals. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { readCrashRecord } from "../daemon/crash_record.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { type DaemonRecord, findDaemon } from "../daemon/pid_file.ts";
import { isRunning, processIdentity } from "../daemon/process_identity.ts";
import { killBoth } from "../testing/background.ts";
import { asProcess, cliEnvironment, spawnCli } from "../testing/cli.ts";
import { homeWithDatabase } from "../testing/embedded_database.ts";
import { processTree, signalProcess } from "../testing/process_tree.ts";

/** The time in which another process must run after a crash; how long that takes to come up, the machine decides. */
const RECOVERY_MS = 10_000;
const NAP = { name: "nap", program: "sleep", args: ["{seconds}"], input: { seconds: { type: "number" } } };

async function until<T>(
  what: string,
  find: () => Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await systemClock.sleep(50);
  }
  return assert.fail(`did not come true within ${withinMs} ms: ${what}`);
}

/** Whether the keeper has a child that is not this one. */
async function anotherChild(keeper: number, than: number): Promise<boolean> {
  const [, ...children] = await processTree(keeper);
  return children.some((pid) => pid !== than) && !children.includes(than);
}

async function setUp(cleanup: AsyncDisposableStack) {
  const { path: home } = cleanup.use(await homeWithDatabase());
  cleanup.defer(() => killBoth(home));
  const env = cliEnvironment(home, { WORKER_MIN_FREE_BYTES: "0", WORKER_DRAIN_SECONDS: "1" });
  const configure = (config: Record<string, unknown>) =>
    Deno.writeTextFile(
      join(home, "config.json"),
      JSON.stringify({ workerId: "tester", commands: [NAP], ...config }),
    );
  await configure({});
  const cli = (...args: string[]) => asProcess(args, env);
  const listening = (other?: DaemonRecord) =>
    findDaemon(home).then((daemon) =>
      daemon?.controlPort !== undefined && daemon.healthPort !== undefined && daemon.pid !== other?.pid &&
      daemon
    );
  return { home, env, configure, cli, listening };
}

Deno.test("a worker in the background, from its start over crashes and reloads to its end", async (t) => {
  await using cleanup = new AsyncDisposableStack();
  const { home, env, configure, cli, listening } = await setUp(cleanup);
  const started = await cli("start", "--json");
  assert.equal(started.code, 0, started.stderr);
  const { pid } = JSON.parse(started.stdout);
  const keeper = (await findKeeper(home))!;

  await t.step("its PID file proves who it is and since when", async () => {
    const daemon = (await findDaemon(home))!;
    assert.equal(daemon.pid, pid);
    assert.equal(daemon.identity, await processIdentity(pid));
    assert.equal(daemon.keeper?.pid, keeper.pid);
    assert.match(daemon.version, /^\d+\.\d+\.\d+/);
    if (Deno.build.os === "linux") assert.ok(daemon.identity.startsWith(daemon.bootId!));
  });

  await t.step("a second start is refused with 75, in the background and in the foreground", async () => {
    for (const args of [["start"], ["start", "--foreground"]]) {
      const { code, stderr } = await cli(...args);
      assert.equal(code, 75);
      assert.match(stderr, new RegExp(`already running.*pid ${pid}`));
    }
  });

  await t.step(
    "a reload applies what it can without dropping work, and lists what needs a restart",
    async () => {
      const task = (await cli("enqueue", "nap", "-i", `{"seconds": 600}`)).stdout;
      const running = () =>
        cli("tasks", "show", task, "--json").then(({ stdout }) => JSON.parse(stdout).status === "running");
      await until("the task runs", running);
      await configure({ logLevel: "debug", journalMaxOutcomes: 7 });
      const { code, stdout, stderr } = await cli("reload");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^applied: logLevel \(WORKER_LOG_LEVEL\)$/m);
      assert.match(
        stdout,
        /only after `actp-worker restart`:\n {2}journalMaxOutcomes \(JOURNAL_MAX_OUTCOMES\)$/m,
      );
      assert.ok(await running());
      assert.equal((await findDaemon(home))!.pid, pid);
    },
  );

  await t.step(
    "a wrong configuration is not applied, every problem is told, and the worker goes on",
    async () => {
      await configure({ logLevel: "loud", nonsense: 1 });
      const { code, stderr } = await cli("reload");
      assert.equal(code, 78);
      assert.match(stderr, /not reloaded:\n.*nonsense.*\n.*logLevel/);
      await configure({});
      assert.equal((await cli("status")).code, 0);
    },
  );

  await t.step("after kill -9 it runs again within 10 s, and says what happened", async () => {
    const before = (await findDaemon(home))!;
    signalProcess(before.pid, "SIGKILL");
    await until("another process runs", () => anotherChild(keeper.pid, before.pid), RECOVERY_MS);
    const after = await until("it listens again", () => listening(before));
    assert.equal(after.keeper?.pid, keeper.pid);
    const crash = (await readCrashRecord(home))!;
    assert.equal(crash.pid, before.pid);
    assert.equal(crash.cause, "died");
    assert.deepEqual(crash.running.map(({ type }) => type), ["nap"]);
    assert.ok(crash.orphansEnded >= 1);
    assert.match(crash.lastLogLines.join("\n"), /died of SIGKILL/);
    const status = JSON.parse((await cli("status", "--json")).stdout);
    assert.equal(status.last_crash.pid, before.pid);
    assert.deepEqual([status.supervised_by, status.crashes_since_start], ["keeper", 1]);
    assert.match((await cli("status")).stdout, /^last crash .*: it died \(pid \d+; 1 in all/m);
  });

  await t.step("a restart makes a new worker, with what the old one was started with", async () => {
    const before = (await findDaemon(home))!;
    const { code, stderr } = await cli("restart", "--now", "--worker-id", "renamed");
    assert.equal(code, 0, stderr);
    const after = (await findDaemon(home))!;
    assert.notEqual(after.pid, before.pid);
    assert.equal(after.workerId, "renamed");
    assert.equal((await cli("restart")).code, 0);
    assert.equal((await findDaemon(home))!.workerId, "renamed");
  });

  await t.step("without its keeper the worker goes on, and is stopped all the same", async () => {
    const keeper = (await findKeeper(home))!;
    signalProcess(keeper.pid, "SIGKILL");
    await until("the keeper is gone", async () => !await isRunning(keeper));
    const status = JSON.parse((await cli("status", "--json")).stdout);
    assert.equal(status.supervised_by, null);
    assert.equal((await cli("restart")).code, 0);
  });

  await t.step("its log is shown by level and followed, also after its end", async () => {
    const follower = spawnCli(["logs", "-f", "-n", "1"], env);
    let seen = "";
    let stopping: Promise<unknown> | undefined;
    for await (const part of follower.stdout.pipeThrough(new TextDecoderStream())) {
      seen += part;
      stopping ??= cli("stop"); // it follows by now: it has shown what was there
      if (/worker {2}stopped/.test(seen)) signalProcess(follower.pid, "SIGINT");
    }
    await stopping;
    await follower.stderr.cancel();
    assert.equal((await follower.status).code, 0);
    assert.match(seen, /INFO {4}daemon {2}stopping/);
    const warnings = (await cli("logs", "--level", "warning", "--json")).stdout.split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.ok(warnings.some(({ message }) => /ended without a goodbye/.test(message)));
    assert.ok(warnings.every(({ level }) => ["warning", "error", "fatal"].includes(level)));
  });

  await t.step("stopped is stopped: nothing of it is left and nobody starts it again", async () => {
    assert.equal(await findKeeper(home), undefined);
    assert.equal(await findDaemon(home), undefined);
    for (const command of ["stop", "reload", "status"]) assert.equal((await cli(command)).code, 3, command);
  });
});

Deno.test("a worker that cannot come up says why, with its exit code, and is not started again", async () => {
  await using cleanup = new AsyncDisposableStack();
  const { home, cli } = await setUp(cleanup);
  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: ({ port }) => resolve(port) },
    () => new Response(),
  );
  cleanup.defer(async () => {
    stop.abort();
    await server.finished;
  });
  const { code, stderr } = await cli("start", "--health-port", String(await promise));
  assert.equal(code, 1);
  assert.match(stderr, /^The worker did not come up\. The end of its log in /);
  assert.match(stderr, /health server.*port/);
  assert.equal(await findKeeper(home), undefined);
  assert.equal(await findDaemon(home), undefined);
});

Deno.test("nothing is ever killed that is not proved to be the worker", async (t) => {
  await using cleanup = new AsyncDisposableStack();
  const { home, cli } = await setUp(cleanup);
  const innocent = new Deno.Command("sleep", { args: ["600"] }).spawn();
  cleanup.defer(async () => {
    innocent.kill("SIGKILL");
    await innocent.status;
  });
  const identity = (await processIdentity(innocent.pid))!;
  const record = {
    pid: innocent.pid,
    startedAt: "2026-01-01T00:00:00.000Z",
    version: "0.1.0",
    workerId: "tester",
    bootId: "an earlier start",
    controlPort: 1,
    healthPort: 1,
  };
  const write = (more: Record<string, unknown>) =>
    Deno.writeTextFile(join(home, "worker.pid"), JSON.stringify({ ...record, ...more }));

  await t.step("a PID file whose pid belongs to somebody else by now", async () => {
    await write({ identity: "boot:1" });
    for (const command of ["stop", "reload"]) assert.equal((await cli(command)).code, 3, command);
    const { code, stderr } = await cli("status");
    assert.equal(code, 3);
    assert.match(stderr, /ended without a goodbye/);
    assert.equal(await processIdentity(innocent.pid), identity);
  });

  await t.step("and the next start takes such a file for a crash before a reboot", async () => {
    const { code, stderr } = await cli("start");
    assert.equal(code, 0, stderr);
    assert.equal((await readCrashRecord(home))!.cause, "rebooted");
    assert.equal(await processIdentity(innocent.pid), identity);
  });

  await t.step("a home that is held while its PID file is spoilt", async () => {
    const daemon = (await findDaemon(home))!;
    const keeper = (await findKeeper(home))!;
    const [pidFile, keeperFile] = [join(home, "worker.pid"), join(home, "keeper", "keeper.pid")];
    const saved = await Deno.readTextFile(pidFile);
    const savedKeeper = await Deno.readTextFile(keeperFile);
    await Deno.writeTextFile(pidFile, `{"pid": ${innocent.pid}, "ident`);
    await Deno.remove(keeperFile);
    const { code, stderr } = await cli("stop");
    assert.equal(code, 1);
    assert.match(stderr, /nothing was stopped/);
    assert.ok(await isRunning(daemon));
    assert.ok(await isRunning(keeper));
    await Deno.writeTextFile(pidFile, saved);
    await Deno.writeTextFile(keeperFile, savedKeeper);
    assert.equal((await cli("stop")).code, 0);
    assert.equal(await isRunning(keeper), false);
  });
});
