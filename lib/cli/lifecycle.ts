/** `start`, `stop`, `restart`, `reload`, `status`, `logs`, `dashboard`. */
import type { Command } from "commander";
import type { Config } from "../config.ts";
import type { CrashSummary } from "../daemon/crash_record.ts";
import { findKeeper, type KeeperRecord } from "../daemon/keeper_file.ts";
import { type DaemonRecord, findDaemon, readDaemonRecord } from "../daemon/pid_file.ts";
import type { WorkerStatus } from "../status.ts";
import { addKeep, type StartedWorker, startInBackground } from "./background.ts";
import {
  askDaemon,
  type CliContext,
  type GlobalOptions,
  hostOf,
  loadForCommand,
  readConfig,
  requireDaemon,
} from "./context.ts";
import { dryRun } from "./dry_run.ts";
import { EXIT, ExitError } from "./exit.ts";
import { addLogs } from "./logs.ts";
import { reloadFailure, reloadWorker, showReload } from "./reload.ts";
import { restartWorker } from "./restart.ts";
import { startProblems } from "./start_problems.ts";
import { type Stopped, stopTarget, stopWorker } from "./stop.ts";
import { duration, paint, printable, table, type Terminal } from "./terminal.ts";

/** Adds the commands. */
export function addLifecycle(program: Command, context: CliContext, exit: (code: number) => never): void {
  program.command("start")
    .description("start the worker; in the background unless told")
    .option("-f, --foreground", "stay in the foreground and log to standard error")
    .option("--dry-run", "only check the configuration and the database, and tell which agents would run")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker start
  $ SUPABASE_URL=… SUPABASE_SECRET_KEY=… actp-worker start --foreground`,
    )
    .action(async (options: { foreground?: boolean; dryRun?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const loaded = await readConfig(context, globals, startProblems);
      if (options.dryRun) return await dryRun(context.terminal, loaded, globals);
      if (options.foreground) {
        const load = () => loadForCommand(context, globals, startProblems);
        // Loaded by no other command: it is most of the program.
        const { runDaemon } = await import("./run_daemon.ts");
        return await runDaemon(loaded, context, exit, load);
      }
      await showStarted(
        context,
        loaded.config,
        globals,
        await startInBackground(context, loaded.config, ownArguments("start")),
      );
    });

  program.command("stop")
    .description("stop the worker: it claims nothing more and finishes what it has begun")
    .option("--now", "do not wait for tasks in progress: give them back to the queue")
    .action(async (options: { now?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const target = await stopTarget(context, globals);
      showStopped(
        context.terminal,
        globals,
        await stopWorker(context.terminal, target, options.now ?? false),
      );
    });

  program.command("restart")
    .description(
      "stop the worker as `stop` does and start it again, as what it was started: service or background",
    )
    .option("--now", "do not wait for tasks in progress: give them back to the queue")
    .action(async (options: { now?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals, startProblems);
      const given = ownArguments("restart").filter((argument) => argument !== "--now");
      const started = await restartWorker(context, config, given, options.now ?? false);
      await showStarted(context, config, globals, started);
    });

  program.command("reload")
    .description("let the worker read its configuration again; tasks in progress go on")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { home } = await stopTarget(context, globals);
      const report = await reloadWorker(home);
      if (!globals.json) return showReload(context.terminal, report);
      context.terminal.out(JSON.stringify(report));
      if (report.problems.length > 0) throw reloadFailure(report);
    });

  program.command("status")
    .description("what the worker is doing, and whether it is well")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      const keeper = await findKeeper(config.home);
      await refuseUnlessRunning(config, keeper);
      const status = await askDaemon<DaemonStatus>(config, "GET", "/status");
      const daemon = await requireDaemon(config);
      if (globals.json) {
        const crashes = keeper ? { crashes_since_start: keeper.crashes } : {};
        const kept = { supervised_by: supervisorOf(daemon, keeper), ...crashes };
        return context.terminal.out(
          JSON.stringify({ ...status, pid: daemon.pid, ports: portsOf(daemon), ...kept }),
        );
      }
      for (const line of statusLines(context.terminal, status, daemon, keeper)) context.terminal.out(line);
    });

  addLogs(program, context);
  addKeep(program, exit);

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

/** What the daemon adds to the worker's own status. */
type DaemonStatus = WorkerStatus & { readonly last_crash: CrashSummary | null };

/** What was given on this command line besides the command's own name. */
function ownArguments(command: string): string[] {
  const at = Deno.args.indexOf(command);
  return Deno.args.filter((_, i) => i !== at);
}

async function showStarted(
  { terminal }: CliContext,
  config: Config,
  globals: GlobalOptions,
  { daemon, logFolder }: StartedWorker,
): Promise<void> {
  const { pid, workerId } = daemon;
  if (globals.json) {
    return terminal.out(JSON.stringify({ pid, ports: portsOf(daemon), log: logFolder ?? null }));
  }
  const where = logFolder ? ` (in ${logFolder})` : "";
  terminal.out(`worker ${workerId} is running (pid ${pid}), its log: \`actp-worker logs\`${where}`);
  terminal.out(`dashboard: ${await dashboardUrl(config)}`);
}

function showStopped(terminal: Terminal, globals: GlobalOptions, { pid, ms }: Stopped): void {
  terminal.out(
    globals.json ? JSON.stringify({ stopped: pid, ms }) : `stopped (pid ${pid}) in ${duration(ms)}`,
  );
}

/** Tells what became of a worker that does not run. @throws ExitError 3 */
async function refuseUnlessRunning({ home }: Config, keeper: KeeperRecord | undefined): Promise<void> {
  if (await findDaemon(home)) return;
  if (keeper) {
    const when = keeper.nextStartAt
      ? ` It is started again at ${keeper.nextStartAt}.`
      : " It is being started.";
    const crashed = keeper.lastEnd ? ` (${keeper.crashes} crashes, the last ${keeper.lastEnd})` : "";
    throw new ExitError(EXIT.notRunning, `The worker of ${home} is not running${crashed}.${when}`);
  }
  const dead = await readDaemonRecord(home);
  if (!dead) return; // what is asked next says so
  throw new ExitError(
    EXIT.notRunning,
    `The worker of ${home} is not running: the last one (pid ${dead.pid}, started ${dead.startedAt}) ended without a goodbye. Start it with \`actp-worker start\`.`,
  );
}

/** Who starts the worker again after a crash. */
function supervisorOf({ service }: DaemonRecord, keeper: KeeperRecord | undefined): string | null {
  return service?.manager ?? (keeper ? "keeper" : null);
}

function portsOf(daemon: DaemonRecord) {
  return { health: daemon.healthPort, control: daemon.controlPort };
}

function statusLines(
  terminal: Terminal,
  status: DaemonStatus,
  daemon: DaemonRecord,
  keeper: KeeperRecord | undefined,
): string[] {
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
    `restarts   ${restartsText(daemon, keeper)}`,
    ...crashLines(status.last_crash),
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

function restartsText(daemon: DaemonRecord, keeper: KeeperRecord | undefined): string {
  const by = supervisorOf(daemon, keeper);
  if (by === null) return "nobody starts it again after a crash";
  const crashes = keeper && keeper.crashes > 0 ? `, ${keeper.crashes} since ${keeper.startedAt}` : "";
  return by === "keeper"
    ? `by its keeper (pid ${keeper!.pid})${crashes}`
    : `by ${by} (${daemon.service!.name})`;
}

function crashLines(crash: CrashSummary | null | undefined): string[] {
  if (!crash) return [];
  const how = crash.cause === "rebooted" ? "the machine went down" : "it died";
  const when = crash.lastSeenAt ?? crash.foundAt;
  return [`last crash ${when}: ${how} (pid ${crash.pid}; ${crash.count} in all, see last_crash.json)`];
}
