/**
 * What holds of an installed service under a real systemd. A program that runs inside the sandbox, where PID 1 is
 * systemd and /etc, /var/lib, /var/cache, /usr/local/lib and ~/.local are private:
 * `deno run systemd_checks.ts user|system PROGRAM CHANGED_PROGRAM`. Prints one JSON line for each check: {name, error?, ms}.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const [scope, program, changedProgram] = Deno.args as ["user" | "system", string, string];
const HOME = Deno.env.get("HOME")!;
const UNIT = "actp-worker.service";
const SECRET = "postgres-password-of-a-test";
/** The seed's promise for a crash. */
const RECOVERY_MS = 10_000;
/** What the unit waits before it starts the program again. */
const RESTART_DELAY_MS = 2_000;
/** For what is no promise, on a machine with much else to do. */
const PATIENCE_MS = 60_000;
/** The promise for a stop with nothing to do. */
const STOP_MS = 5_000;

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Finished> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { XDG_RUNTIME_DIR: "/run/user/0", NO_COLOR: "1", ...env },
    cwd: "/",
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr).trim() };
}

/** Prints what is left to see: the outer test tells it. */
async function check(name: string, work: () => Promise<void>): Promise<void> {
  const started = performance.now();
  let error: string | undefined;
  try {
    await work();
  } catch (thrown) {
    error = (thrown as Error).message;
  }
  const line = JSON.stringify({ name, error, ms: Math.round(performance.now() - started) }) + "\n";
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

/** Number 0 would be this program's own group, the outer test included. */
function kill(pid: number, signal: Deno.Signal): void {
  assert.ok(pid > 1, "the service does not run");
  Deno.kill(pid, signal);
}

async function until<T>(ms: number, look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const end = performance.now() + ms; performance.now() < end;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`not within ${ms} ms: ${what}`);
}

/** One installed service, of a person or of the machine. */
function service(scope: "user" | "system", home: string, settings: Record<string, string>) {
  const own = scope === "user" ? ["--user"] : ["--system"];
  const flags = scope === "user" ? [] : ["--system"];
  const env = { ACTP_HOME: home, ...settings };
  const systemctl = (...args: string[]) => run("systemctl", [...own, ...args]);
  const shown = async (name: string) =>
    (await systemctl("show", UNIT, `--property=${name}`, "--value")).stdout;
  const pid = async () => Number(await shown("MainPID"));
  const ready = async () => {
    const text = await Deno.readTextFile(join(home, "worker.pid")).catch(() => "{}");
    const record = JSON.parse(text);
    if (record.healthPort === undefined || record.pid !== await pid()) return undefined;
    const response = await fetch(`http://127.0.0.1:${record.healthPort}/ready`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok ? record.pid as number : undefined;
  };
  return {
    systemctl,
    shown,
    pid,
    ready,
    cli: (...args: string[]) => run(program, args, { ACTP_HOME: home }),
    install: (from = program, ...more: string[]) => run(from, ["install-service", ...flags, ...more], env),
    uninstall: (...more: string[]) =>
      run(program, ["uninstall-service", ...flags, ...more], { ACTP_HOME: home }),
    /**
     * How long the recovery from a crash may take here: 10 s, or, where the machine is so busy that a plain start
     * takes long, the delay and three such starts.
     */
    async recoveryMs() {
      const started = performance.now();
      await systemctl("restart", UNIT);
      await until(PATIENCE_MS, ready, "ready after a plain restart");
      return Math.max(RECOVERY_MS, RESTART_DELAY_MS + 3 * (performance.now() - started));
    },
    async installed(from = program) {
      const { code, stdout, stderr } = await run(from, ["install-service", "--json", ...flags], env);
      assert.equal(code, 0, stderr || stdout);
      return JSON.parse(stdout);
    },
  };
}

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);
const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

/** Every path below these folders. */
async function paths(...folders: string[]): Promise<string> {
  const listed = await run("find", [
    ...folders,
    "-mindepth",
    "1",
    "-not",
    "-path",
    "*/systemd/*/default.target.wants",
    "-not",
    "-path",
    "*/systemd/*/multi-user.target.wants",
  ]);
  return listed.stdout.split("\n").sort().join("\n");
}

const PORTS = { WORKER_HEALTH_PORT: "0", WORKER_PROBE_PORT: "0", WORKER_MIN_FREE_BYTES: "0" };

async function personsService(): Promise<void> {
  const home = "/tmp/worker home"; // with a blank, as on many a Mac
  const unit = join(HOME, ".config/systemd/user", UNIT);
  const copy = join(HOME, ".local/lib/actp-worker/actp-worker");
  const before = await paths(join(HOME, ".config/systemd"), join(HOME, ".local"));
  const it = service("user", home, { ...PORTS, SUPABASE_DB_URL: `postgres://me:${SECRET}@db.example/x` });

  await check("a dry run tells every step and takes none", async () => {
    const { code, stdout, stderr } = await it.install(program, "--dry-run");
    assert.equal(code, 0, stderr);
    for (const word of [unit, copy, "daemon-reload", "restart"]) assert.match(stdout, new RegExp(word));
    assert.doesNotMatch(stdout, new RegExp(SECRET));
    assert.equal(await exists(unit), false);
  });
  await check("--print prints the unit, and systemd finds nothing wrong with it", async () => {
    const { code, stdout, stderr } = await it.install(program, "--print");
    assert.equal(code, 0, stderr);
    await Deno.mkdir("/tmp/verify");
    await Deno.writeTextFile("/tmp/verify/actp-worker.service", stdout.replaceAll(copy, program));
    const verified = await run("systemd-analyze", ["--user", "verify", "/tmp/verify/actp-worker.service"]);
    assert.deepEqual({ code: verified.code, said: verified.stderr }, { code: 0, said: "" });
  });
  await check("a person's service is installed, enabled and ready", async () => {
    const { unchanged, ready, service } = await it.installed();
    assert.deepEqual({ unchanged, ready, enabled: service.enabled }, {
      unchanged: false,
      ready: true,
      enabled: true,
    });
    assert.equal(await it.shown("ActiveState"), "active");
    assert.equal(await it.ready(), service.pid);
    assert.equal(await exists(copy), true);
  });
  await check(
    "its secrets are in files of mode 0600, not in the unit, the arguments or the environment",
    async () => {
      assert.match(await Deno.readTextFile(join(home, ".env")), new RegExp(SECRET));
      assert.equal(await mode(join(home, ".env")), 0o600);
      assert.equal(await mode(join(home, "service.env")), 0o600);
      assert.doesNotMatch(await Deno.readTextFile(unit), new RegExp(SECRET));
      assert.doesNotMatch((await it.systemctl("show", UNIT)).stdout, new RegExp(SECRET));
      assert.doesNotMatch((await run("ps", ["-eo", "args"])).stdout, new RegExp(SECRET));
    },
  );
  await check("installing it again changes nothing and leaves it running", async () => {
    const pid = await it.pid();
    assert.equal((await it.installed()).unchanged, true);
    assert.equal(await it.pid(), pid);
  });
  await check("an upgrade replaces the program and restarts it", async () => {
    const pid = await it.pid();
    assert.equal((await it.installed(changedProgram)).unchanged, false);
    assert.notEqual(await it.pid(), pid);
    assert.deepEqual(await Deno.readFile(copy), await Deno.readFile(changedProgram));
  });
  await check("killed, it is ready again within 10 s, or three plain starts of a busy machine", async () => {
    const limit = await it.recoveryMs();
    const pid = await it.pid();
    kill(pid, "SIGKILL");
    const next = await until(limit, async () => {
      const now = await it.ready();
      return now === pid ? undefined : now;
    }, "a new process is ready");
    assert.notEqual(next, pid);
    assert.equal(await it.shown("NRestarts"), "1");
  });
  await check("a hang is noticed by the watchdog, and it comes back", async () => {
    await Deno.mkdir(`${unit}.d`);
    await Deno.writeTextFile(`${unit}.d/test.conf`, "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n");
    await it.systemctl("daemon-reload");
    const limit = await it.recoveryMs();
    const pid = await it.pid();
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    assert.equal(await it.pid(), pid, "a healthy one outlives its watchdog");
    kill(pid, "SIGSTOP");
    await until(3_000 + 1_000 + limit, async () => {
      const now = await it.ready();
      return now === pid ? undefined : now;
    }, "a new process is ready");
  });
  await check("idle, it stops within 5 s and stays so", async () => {
    const started = performance.now();
    assert.equal((await it.systemctl("stop", UNIT)).code, 0);
    const ms = performance.now() - started;
    assert.ok(ms < STOP_MS, `it took ${Math.round(ms)} ms`);
    assert.equal(await it.shown("ActiveState"), "inactive");
    assert.equal(await it.shown("Result"), "success");
  });
  await check("a PID file from before a restart of the machine keeps nothing from starting", async () => {
    const stale = {
      pid: 2,
      identity: "another boot",
      startedAt: "2026-01-01T00:00:00Z",
      version: "0",
      workerId: "x",
    };
    await Deno.writeTextFile(join(home, "worker.pid"), JSON.stringify(stale));
    assert.equal((await it.systemctl("start", UNIT)).code, 0);
    await until(PATIENCE_MS, it.ready, "ready");
  });
  await check("a bad configuration is not tried again", async () => {
    const settings = await Deno.readTextFile(join(home, ".env"));
    await Deno.writeTextFile(join(home, ".env"), `${settings}TASK_POLL_INTERVAL_SECONDS=often\n`);
    assert.notEqual((await it.systemctl("restart", UNIT)).code, 0);
    assert.equal(await it.shown("ExecMainStatus"), "78");
    await new Promise((resolve) => setTimeout(resolve, 3_000)); // longer than RestartSec
    assert.equal(await it.shown("ActiveState"), "failed");
    const { code, stderr } = await it.install();
    assert.equal(code, 78);
    assert.match(stderr, /TASK_POLL_INTERVAL_SECONDS/);
    await Deno.writeTextFile(join(home, ".env"), settings);
  });
  await check("corrected, it is brought back by installing again", async () => {
    assert.equal((await it.installed()).ready, true);
  });
  await check("uninstalling leaves nothing but the worker's state, and is fine twice", async () => {
    const { code, stderr } = await it.uninstall();
    assert.equal(code, 0, stderr);
    assert.equal(await paths(join(HOME, ".config/systemd"), join(HOME, ".local")), withoutEmpty(before));
    assert.equal(await it.shown("LoadState"), "not-found");
    assert.equal(await exists(join(home, ".env")), false);
    assert.equal(await exists(join(home, "service.env")), false);
    assert.equal(await exists(join(home, "db")), true);
    assert.match((await it.uninstall()).stdout, /there was no service/);
  });
  await check("with --purge the state goes too", async () => {
    assert.equal((await it.uninstall("--purge")).code, 0);
    assert.equal(await exists(home), false);
  });
}

/** Folders that systemd and the installation share with others may stay, empty. */
function withoutEmpty(before: string): string {
  return [...before.split("\n").filter(Boolean), join(HOME, ".local/lib")].sort().join("\n");
}

async function machinesService(): Promise<void> {
  const home = "/var/lib/actp-worker";
  const folders = ["/etc/systemd/system", "/usr/local/lib", "/var/lib", "/var/cache"];
  const accounts = async () =>
    (await run("getent", ["passwd"])).stdout + (await run("getent", ["group"])).stdout;
  const [before, accountsBefore] = [await paths(...folders), await accounts()];
  const it = service("system", home, PORTS);
  const commands = [
    { name: "who", program: "id", args: ["-un"] },
    { name: "escape", program: "touch", args: ["/usr/local/lib/escaped"] },
  ];

  await check("the machine's service runs as an account of its own, which is made for it", async () => {
    await Deno.mkdir(home, { recursive: true });
    await Deno.writeTextFile(join(home, "config.json"), JSON.stringify({ commands }));
    assert.equal((await it.installed()).ready, true);
    const owner = (await run("ps", ["-o", "user:32=", "-p", String(await it.pid())])).stdout.trim();
    assert.equal(owner, "actp-worker");
    assert.equal((await run("stat", ["-c", "%U %a", home])).stdout, "actp-worker 700");
  });
  await check("its hardening lets tasks run their programs, and keeps them out of the system", async () => {
    const [who, escape] = await Promise.all([
      it.cli("enqueue", "who", "--wait", "--json"),
      it.cli("enqueue", "escape", "--max-attempts", "1", "--wait", "--json"),
    ]);
    assert.match(who.stdout, /"actp-worker"/, who.stderr);
    assert.match(escape.stdout, /Read-only file system/);
  });
  await check("systemd rates its exposure", async () => {
    const { stdout } = await run("systemd-analyze", ["security", "--no-pager", UNIT]);
    const exposure = Number(stdout.match(/exposure level for \S+: ([\d.]+)/)?.[1]);
    assert.ok(exposure < 5, `${exposure} of 10`);
  });
  await check("the machine's service too is back in that time after it was killed", async () => {
    const limit = await it.recoveryMs();
    const pid = await it.pid();
    kill(pid, "SIGKILL");
    await until(limit, async () => {
      const now = await it.ready();
      return now === pid ? undefined : now;
    }, "a new process is ready");
  });
  await check("uninstalling with --purge leaves no file and no account", async () => {
    const { code, stderr } = await it.uninstall("--purge");
    assert.equal(code, 0, stderr);
    assert.equal(await paths(...folders), before);
    assert.equal(await accounts(), accountsBefore);
  });
}

await (scope === "user" ? personsService() : machinesService());
