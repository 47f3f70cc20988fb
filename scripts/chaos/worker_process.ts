/** A worker as a real process with a home of its own: however it ends, it is started again with the same home. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { selfCommand } from "../../lib/daemon/self.ts";
import { signalProcess } from "../../lib/testing/process_tree.ts";

/** What to run, and where. */
export interface WorkerOptions {
  /** The worker's id; also its role in the database. */
  readonly name: string;
  /** Everything of this worker lies here. */
  readonly folder: string;
  /** The main module, which is given the path of its trace. */
  readonly main: string;
  /** Besides PATH and HOME, the whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes what a process leaves outside its folder when it ends; given its id. */
  readonly tidy?: (pid: number) => Promise<void>;
  /** Signals that a process may end by after it was asked to stop and did so, since something else is at fault. */
  readonly excused?: readonly string[];
}

/** A worker that comes back until it is retired; disposal kills it. */
export interface WorkerProcess extends AsyncDisposable {
  readonly name: string;
  readonly home: string;
  readonly trace: string;
  /** What it printed, all its lives together. */
  readonly log: string;
  readonly starts: number;
  /** How it ended when nobody had asked it to. */
  readonly crashes: readonly string[];
  /** The process of its present life; undefined between two of them. */
  readonly pid: number | undefined;
  /** Waits until it has begun a task since its start, for at most `ms`. */
  busy(ms: number): Promise<void>;
  /** Waits until it says that it is online, for at most `ms`. */
  online(ms: number): Promise<void>;
  /** Sends a signal to its present life, or to that of `pid` alone. Only SIGKILL and SIGTERM are to end it. */
  signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT", pid?: number): void;
  /** SIGKILL; it starts again after `awayMs`. */
  kill(awayMs: number): void;
  /** Ends it for good, with SIGTERM; says what was wrong with that, if anything. */
  retire(limitMs: number): Promise<string | undefined>;
}

const ASK_MS = 10;
/** After a crash, so that one at every start does not fill the machine. */
const CRASH_PAUSE_MS = 300;

/** Starts the worker. */
export async function startWorkerProcess(options: WorkerOptions): Promise<WorkerProcess> {
  const { name, folder } = options;
  const home = join(folder, "home");
  const trace = join(folder, "trace");
  const log = join(folder, "log");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(trace, "");
  await Deno.writeTextFile(log, "");
  const { program, args } = selfCommand([trace], { main: options.main });
  const env = {
    PATH: Deno.env.get("PATH") ?? "",
    HOME: folder,
    ACTP_HOME: home,
    WORKER_ID: name,
    NO_COLOR: "1",
    ...denoFolder(),
    ...options.env,
  };
  const orderly = ["exit 0", ...options.excused ?? []];
  const crashes: string[] = [];
  let child: ChildProcess | undefined;
  let ended: Promise<string> = Promise.resolve("");
  let asked = false;
  let awayMs = 0;
  let starts = 0;
  /** Sizes of its files when its present life began. */
  let traced = 0;
  let logged = 0;
  const retired = new AbortController();

  const live = async () => {
    for (;;) {
      [traced, logged] = [await size(trace), await size(log)];
      if (retired.signal.aborted) return;
      asked = false;
      awayMs = 0;
      starts++;
      const output = openSync(log, "a");
      child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", output, output] });
      closeSync(output);
      ended = ending(child);
      const { pid } = child;
      const how = await ended;
      if (pid) await options.tidy?.(pid);
      child = undefined;
      await systemClock.sleep(awayMs, retired.signal);
      // SIGTERM ends one that has not come so far as to listen for it.
      if (asked && [...orderly, "SIGKILL", "SIGTERM"].includes(how)) continue;
      crashes.push(`${name}, start ${starts}, ended with ${how}: ${await lastLines(log)}`);
      await systemClock.sleep(CRASH_PAUSE_MS, retired.signal);
    }
  };
  const living = live();

  const worker: WorkerProcess = {
    name,
    home,
    trace,
    log,
    crashes,
    get starts() {
      return starts;
    },
    get pid() {
      return child?.pid;
    },
    async busy(ms) {
      const deadline = performance.now() + ms;
      while (!child || await size(trace) === traced) {
        if (performance.now() > deadline) return;
        await systemClock.sleep(ASK_MS);
      }
    },
    async online(ms) {
      const deadline = performance.now() + ms;
      while (!child || !(await Deno.readTextFile(log)).slice(logged).includes(" online: ")) {
        if (performance.now() > deadline) return;
        await systemClock.sleep(ASK_MS);
      }
    },
    kill(ms) {
      if (child) awayMs = ms;
      worker.signal("SIGKILL");
    },
    signal(signal, pid = child?.pid) {
      if (!child?.pid || child.pid !== pid) return;
      if (signal === "SIGKILL" || signal === "SIGTERM") asked = true;
      // Not by `child.kill`, after which Deno tells no exit when the signal was SIGSTOP.
      signalProcess(child.pid, signal);
    },
    async retire(limitMs) {
      const running = child !== undefined;
      retired.abort();
      worker.signal("SIGTERM");
      const over = new AbortController();
      const late = systemClock.sleep(limitMs, over.signal).then(() => "late");
      const how = await Promise.race([ended, late]);
      over.abort();
      worker.signal("SIGKILL");
      await living;
      return !running || orderly.includes(how)
        ? undefined
        : `${name} did not stop in good order within ${limitMs / 1000} s (${how}): ${await lastLines(log)}`;
    },
    async [Symbol.asyncDispose]() {
      retired.abort();
      worker.signal("SIGKILL");
      await living;
    },
  };
  return worker;
}

/** Resolves to `exit CODE`, the signal's name, or why it did not start. */
function ending(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
}

/** Where Deno keeps its packages, since HOME is another one. */
function denoFolder(): Record<string, string> {
  const home = Deno.env.get("HOME");
  const folder = Deno.env.get("DENO_DIR") ??
    (home && join(home, Deno.build.os === "darwin" ? "Library/Caches/deno" : ".cache/deno"));
  return folder ? { DENO_DIR: folder } : {};
}

async function size(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}

async function lastLines(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).trimEnd().split("\n").slice(-5).join(" | ").slice(-1500);
}
