/** The worker of a soak run: the whole program, in a home folder of its own. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { selfCommand } from "../../lib/daemon/self.ts";
import { baseEnvironment, runProgram } from "../../lib/process.ts";
import { type ServerProcess, startServerProcess } from "../../lib/testing/server_process.ts";

/** A running worker. */
export interface SoakDaemon {
  readonly server: ServerProcess;
  /** Of its control API. */
  readonly url: string;
  readonly token: string;
  /** A film for ffmpeg, where there is one. */
  readonly film: string | undefined;
}

const START_LIMIT_MS = 90_000;

/** What the worker has to do besides tasks: agents that live and restart, routines that fire. */
const CONFIG = {
  agents: [
    { id: "talker", command: "sh", args: [path("agent.sh")], health: "ndjson" },
    { id: "napper", command: "sleep", args: ["20"] },
  ],
  routines: [
    { id: "soak.task", everySeconds: 2, task: "soak_wait", input: { workMs: 5 } },
    { id: "soak.scan", everySeconds: 5, heartbeat: "task-scan" },
  ],
  commands: [{
    name: "soak_command",
    program: "echo",
    args: ["{text}"],
    input: { text: { type: "string" } },
  }],
};

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/**
 * Starts it in `folder` and waits until it is ready; `env` names its database. It does not outlive this process.
 * @throws Error when it does not come up
 */
export async function startSoakDaemon(folder: string, env: Record<string, string>): Promise<SoakDaemon> {
  const home = join(folder, "home");
  await Deno.mkdir(join(home, "executors"), { recursive: true, mode: 0o700 });
  // Not copied: it must be writable for nobody else, however it lies here.
  const executor = await Deno.readTextFile(path("executor.ts"));
  await Deno.writeTextFile(join(home, "executors", "soak_wait.ts"), executor, { mode: 0o600 });
  await Deno.writeTextFile(join(home, "config.json"), JSON.stringify(CONFIG), { mode: 0o600 });
  const film = await makeFilm(join(home, "film.mp4"));
  const { program, args } = selfCommand(["start", "--foreground"]);
  let port: number | undefined;
  const server = await startServerProcess({
    // Through env(1): Node's spawn rewrites the arguments of what it takes for the node program.
    program: "/usr/bin/env",
    args: [program, ...args],
    env: {
      ...baseEnvironment(),
      ...denoVariables(),
      ACTP_HOME: home,
      WORKER_HEALTH_PORT: "0",
      WORKER_PROBE_PORT: "0",
      WORKER_MIN_FREE_BYTES: "0",
      WORKER_DRAIN_SECONDS: "5",
      MAX_CONCURRENT_TASKS: "8",
      TASK_INPUT_ROOTS: home,
      ...env,
    },
    folder,
    readyMs: START_LIMIT_MS,
    async isReady(pid) {
      const record = await readRecord(join(home, "worker.pid"));
      port = record?.pid === pid ? record.controlPort : undefined;
      return port !== undefined;
    },
  });
  const token = (await Deno.readTextFile(join(home, "token"))).trim();
  return { server, url: `http://127.0.0.1:${port}`, token, film };
}

async function readRecord(path: string): Promise<{ pid?: number; controlPort?: number } | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined; // not there yet, or just being written
  }
}

/** Where packages are, and how V8 is to work. */
function denoVariables(): Record<string, string> {
  return Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => name.startsWith("DENO_")));
}

/** A second of a moving pattern; undefined without ffmpeg. */
async function makeFilm(file: string): Promise<string | undefined> {
  try {
    const { code } = await runProgram({
      program: "ffmpeg",
      args: ["-loglevel", "error", "-f", "lavfi", "-i", "testsrc=duration=1:size=128x72:rate=10", file],
      signal: AbortSignal.timeout(30_000),
    });
    return code === 0 ? file : undefined;
  } catch {
    return undefined; // the run says so
  }
}
