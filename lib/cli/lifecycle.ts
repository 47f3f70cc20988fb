/** `start`, `stop`, `status`, `dashboard`. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { type DaemonRecord, findDaemon } from "../daemon/pid_file.ts";
import { processIdentity } from "../daemon/process_identity.ts";
import { selfCommand } from "../daemon/self.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import type { WorkerStatus } from "../status.ts";
import {
  askDaemon,
  type CliContext,
  type GlobalOptions,
  hostOf,
  readConfig,
  requireDaemon,
} from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { runDaemon } from "./run_daemon.ts";
import { duration, paint, printable, table, type Terminal } from "./terminal.ts";

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** Beyond the drain: for programs that must be killed, and for the last reports. */
const STOP_MARGIN_MS = 40_000;

/** Adds the commands. */
export function addLifecycle(program: Command, context: CliContext, exit: (code: number) => never): void {
  program.command("start")
    .description("start the worker; in the background unless told")
    .option("-f, --foreground", "stay in the foreground and log to standard error")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker start
  $ SUPABASE_URL=… SUPABASE_SECRET_KEY=… actp-worker start --foreground`,
    )
    .action(async (options: { foreground?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const loaded = await readConfig(context, globals);
      if (options.foreground) return await runDaemon(loaded, context.executors, exit);
      await startInBackground(context, loaded.config, globals);
    });

  program.command("stop")
    .description("stop the worker: it claims nothing more and finishes what it has begun")
    .option("--now", "do not wait for tasks in progress: give them back to the queue")
    .action(async (options: { now?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      await stop(context.terminal, config, globals, options.now ?? false);
    });

  program.command("status")
    .description("what the worker is doing, and whether it is well")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      const status = await askDaemon<WorkerStatus>(config, "GET", "/status");
      const daemon = await requireDaemon(config);
      if (globals.json) {
        return context.terminal.out(JSON.stringify({ ...status, pid: daemon.pid, ports: portsOf(daemon) }));
      }
      for (const line of statusLines(context.terminal, status, daemon)) context.terminal.out(line);
    });

  program.command("dashboard")
    .description("print an address that opens the dashboard in a browser, once, within a minute")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      const url = await dashboardUrl(config);
      context.terminal.out(globals.json ? JSON.stringify({ url }) : url);
    });
}

/** An address with a one-time code. @throws ExitError 3 where the worker does not run */
export async function dashboardUrl(config: Config): Promise<string> {
  const { controlPort } = await requireDaemon(config);
  const { code } = await askDaemon<{ code: string }>(config, "POST", "/session/code");
  return `http://${hostOf(config)}:${controlPort}/#code=${code}`;
}

async function startInBackground(context: CliContext, config: Config, globals: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const running = await findDaemon(config.home);
  if (running) {
    throw new ExitError(
      EXIT.alreadyRunning,
      `The worker of ${config.home} is already running (pid ${running.pid}).`,
    );
  }
  const paths = homePaths(config.home);
  await ensurePrivateDir(config.home);
  await ensurePrivateDir(paths.logs);
  const logFile = join(paths.logs, "worker.log");
  const pid = spawnDetached(
    ["start", "--foreground", ...Deno.args.filter((arg) => arg !== "start")],
    logFile,
    context,
  );
  const daemon = await readiness(config, pid);
  if (!daemon) {
    const tail = (await Deno.readTextFile(logFile)).trimEnd().split("\n").slice(-15);
    throw new ExitError(
      EXIT.failed,
      `The worker did not come up. The end of ${logFile}:\n${tail.join("\n")}`,
    );
  }
  if (globals.json) return terminal.out(JSON.stringify({ pid, ports: portsOf(daemon), log: logFile }));
  terminal.out(`worker ${daemon.workerId} is running (pid ${pid}), log: ${logFile}`);
  terminal.out(`dashboard: ${await dashboardUrl(config)}`);
}

/**
 * Node's spawn and not Deno's: it can hand the child an open file, so that nothing stands between it and its log.
 * Through env(1), because it rewrites the arguments of what it takes for the node program; env keeps the pid.
 */
function spawnDetached(args: string[], logFile: string, context: CliContext): number {
  const self = selfCommand(args);
  const log = openSync(logFile, "a", 0o600);
  const child = spawn("/usr/bin/env", [self.program, ...self.args], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: context.cwd,
    env: { ...context.env },
  });
  closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new ExitError(EXIT.failed, `Cannot start ${self.program}`);
  return child.pid;
}

/** The daemon's record when it is ready; undefined when it has ended or takes too long. */
async function readiness(config: Config, pid: number): Promise<DaemonRecord | undefined> {
  for (let waited = 0; waited < READY_WITHIN_MS; waited += LOOK_EVERY_MS) {
    await systemClock.sleep(LOOK_EVERY_MS);
    const daemon = await findDaemon(config.home);
    if (daemon?.pid === pid && daemon.controlPort !== undefined && daemon.healthPort !== undefined) {
      const { ready } = await askDaemon<WorkerStatus>(config, "GET", "/status");
      if (ready) return daemon;
    } else if (!daemon && await processIdentity(pid) === undefined) {
      return undefined;
    }
  }
  return undefined;
}

async function stop(terminal: Terminal, config: Config, globals: GlobalOptions, now: boolean): Promise<void> {
  const daemon = await findDaemon(config.home);
  if (!daemon) throw new ExitError(EXIT.notRunning, `The worker of ${config.home} is not running.`);
  const started = systemClock.monotonic();
  Deno.kill(daemon.pid, "SIGTERM");
  if (now) {
    await systemClock.sleep(LOOK_EVERY_MS); // two signals at once would count as one
    if (await processIdentity(daemon.pid) === daemon.identity) Deno.kill(daemon.pid, "SIGTERM");
  }
  const limit = config.drainSeconds * 1000 + STOP_MARGIN_MS;
  while (await processIdentity(daemon.pid) === daemon.identity) {
    const waited = systemClock.monotonic() - started;
    if (waited > limit) {
      throw new ExitError(
        EXIT.failed,
        `The worker (pid ${daemon.pid}) has not stopped after ${
          duration(waited)
        }; see \`actp-worker status\`.`,
      );
    }
    if (waited > 500) terminal.status(`draining for ${duration(waited)} …`);
    await systemClock.sleep(LOOK_EVERY_MS / 2);
  }
  terminal.endStatus();
  const ms = Math.round(systemClock.monotonic() - started);
  terminal.out(
    globals.json
      ? JSON.stringify({ stopped: daemon.pid, ms })
      : `stopped (pid ${daemon.pid}) in ${duration(ms)}`,
  );
}

function portsOf(daemon: DaemonRecord) {
  return { health: daemon.healthPort, control: daemon.controlPort };
}

function statusLines(terminal: Terminal, status: WorkerStatus, daemon: DaemonRecord): string[] {
  const color = status.status === "online" ? "green" : "yellow";
  const lines = [
    `${paint(terminal, color, status.status)}  ${status.worker_id}  pid ${daemon.pid}  up ${
      duration(status.uptime_seconds * 1000)
    }  v${status.version}`,
    ...status.reasons.map((reason) => `  ! ${printable(reason)}`),
    `database   ${status.database}`,
    `can do     ${status.capabilities.join(", ") || "nothing (see `actp-worker capabilities`)"}`,
    `settled    ${status.tasks_completed ?? "?"} done, ${status.tasks_failed ?? "?"} failed` +
    (status.unreported_outcomes > 0 ? `, ${status.unreported_outcomes} not yet reported` : ""),
    `running    ${status.active_tasks} of ${status.max_concurrent}`,
  ];
  const rows = status.current_tasks.map((task) => [
    task.task_id,
    task.task_type,
    `attempt ${task.attempt}`,
    duration(task.elapsed_seconds * 1000),
    task.progress?.percent === undefined ? "" : `${Math.round(task.progress.percent)} %`,
    printable(task.progress?.message ?? ""),
  ]);
  return rows.length > 0 ? [...lines, ...table(["ID", "TYPE", "", "FOR", "", ""], rows)] : lines;
}
