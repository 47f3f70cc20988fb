/** Real servers as child processes of a test: logged to a file, suspended and stopped at will, never left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processTree, signalProcess } from "./process_tree.ts";

/** How to start a server. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Record<string, string>;
  /** The server's own folder; gets its output as `log`, and is removed should the test be killed. */
  readonly folder: string;
  /** Runs as this user and group id, where the caller may choose. */
  readonly user?: number;
  /** Asked until it says that the process of this id can serve. */
  isReady(pid: number): Promise<boolean>;
  /** For so long, in ms; 20 s unless told. */
  readonly readyMs?: number;
}

/** A running server. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** What it has printed, stdout and stderr together. */
  log(): Promise<string>;
  /** Suspends it with all its descendants: its sockets stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Sends `signal` (and wakes it if it is paused), kills it after 10 s, and returns when it has ended. Idempotent. */
  stop(signal: Deno.Signal): Promise<void>;
}

const READY_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 10_000;

/**
 * Starts a server and waits until it is ready.
 * @throws Error with what it printed, when it ends or is not ready in time.
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const server = await spawnGuarded(command);
  try {
    await untilReady(server, command);
    return server;
  } catch (error) {
    await server.stop("SIGKILL");
    throw error;
  }
}

async function spawnGuarded(command: ServerCommand): Promise<ServerProcess> {
  const logFile = join(command.folder, "log");
  const log = openSync(logFile, "a");
  const child = spawn(command.program, [...command.args], {
    env: command.env,
    cwd: command.folder,
    stdio: ["ignore", log, log],
    uid: command.user,
    gid: command.user,
  });
  closeSync(log);
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  await once(child, "spawn");
  child.unref();
  const pid = child.pid!;
  const guard = startGuard(pid, command.folder);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const signalTree = async (signal: Deno.Signal) => {
    // The parent first: while it stands still it starts no more children.
    signalProcess(pid, signal);
    for (const member of await processTree(pid)) signalProcess(member, signal);
  };
  const end = async (signal: Deno.Signal) => {
    child.ref();
    if (isRunning()) {
      signalProcess(pid, signal);
      await signalTree("SIGCONT");
      const timer = setTimeout(() => signalProcess(pid, "SIGKILL"), STOP_GRACE_MS);
      await exited;
      clearTimeout(timer);
    }
    await guard.dismiss();
  };
  let ending: Promise<void> | undefined;

  return {
    pid,
    get running() {
      return isRunning();
    },
    log: () => Deno.readTextFile(logFile),
    pause: () => signalTree("SIGSTOP"),
    resume: () => signalTree("SIGCONT"),
    stop: (signal) => ending ??= end(signal),
  };
}

/** Starts the process that cleans up after a killed test. It has a session of its own, so that Ctrl-C spares it. */
function startGuard(pid: number, folder: string): { dismiss(): Promise<void> } {
  const guard = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "-A",
      "--no-config",
      "--no-lock",
      fileURLToPath(import.meta.resolve("./guard.ts")),
      `${pid}`,
      folder,
    ],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  guard.unref();
  return {
    async dismiss() {
      guard.ref();
      signalProcess(guard.pid, "SIGKILL");
      await guard.status;
      await guard.stdin.abort();
    },
  };
}

/**
 * Starts something on a port of 127.0.0.1 that nothing listens on. Another program may take it between its choice
 * and its use: then another port is tried.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(freePort());
    } catch (error) {
      if (attempt === 3 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Asks every 10 ms; throws what the server printed, when it ends or takes too long. */
async function untilReady(server: ServerProcess, command: ServerCommand): Promise<void> {
  const deadline = performance.now() + (command.readyMs ?? READY_TIMEOUT_MS);
  while (!await command.isReady(server.pid)) {
    const late = performance.now() > deadline;
    if (!server.running || late) {
      throw new Error(
        `${command.program} ${late ? "is not ready in time" : "ended at start"}: ${await server.log()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
