/** Starting the worker in the background: under a keeper, until it is ready, or telling why it is not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { errorFile } from "../daemon/log_source.ts";
import { type DaemonRecord, findDaemon } from "../daemon/pid_file.ts";
import { selfCommand } from "../daemon/self.ts";
import { lineText, matches, parseLogLine } from "../log/line_filter.ts";
import { lastLines, readLog } from "../log/read_lines.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import type { WorkerStatus } from "../status.ts";
import { askDaemon, type CliContext } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { keep, type KeepArguments } from "./keep.ts";
import { printable } from "./terminal.ts";

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
const SHOWN_LINES = 15;
/** Exit codes of the daemon that mean the same for who started it. */
const TOLD_ON: readonly number[] = [EXIT.usage, EXIT.unavailable, EXIT.alreadyRunning, EXIT.badConfig];

/** A worker that was started in the background and is ready. */
export interface StartedWorker {
  readonly daemon: DaemonRecord;
  /** Absent where the log is not in files. */
  readonly logFolder?: string;
}

/**
 * Starts the worker with these arguments of `start` and waits until it is ready.
 * @throws ExitError with the last log lines where it does not come up, 75 where one runs, 69 where it is not ready
 */
export async function startInBackground(
  context: CliContext,
  config: Config,
  args: readonly string[],
): Promise<StartedWorker> {
  const { home } = config;
  await refuseSecond(home);
  const { logs } = homePaths(home);
  await ensurePrivateDir(home);
  await ensurePrivateDir(logs);
  const began = systemClock.now();
  const keeper = spawnKeeper(context, home, args);
  const waited = await readiness(config, keeper);
  if ("daemon" in waited) return { daemon: waited.daemon, logFolder: logs };
  const told = await lastWords(home, began);
  const end = told.length > 0 ? `:\n${told.join("\n")}` : " and said nothing.";
  if ("exitCode" in waited) {
    const code = TOLD_ON.includes(waited.exitCode) ? waited.exitCode : EXIT.failed;
    throw new ExitError(code, `The worker did not come up. The end of its log in ${logs}${end}`);
  }
  throw new ExitError(
    EXIT.unavailable,
    `The worker runs and goes on trying, but was not ready within ${READY_WITHIN_MS / 1000} s${
      waited.reasons.length > 0 ? ` (${waited.reasons.map(printable).join("; ")})` : ""
    }. The end of its log in ${logs}${end}`,
  );
}

/** Adds the hidden command that is the keeper; main.ts runs it without building the rest of the program. */
export function addKeep(program: Command, exit: (code: number) => never): void {
  program.command("keep <arguments>", { hidden: true })
    .action(async (text: string) => exit(await keep(text)));
}

async function refuseSecond(home: string): Promise<void> {
  const running = await findDaemon(home);
  if (running) {
    throw new ExitError(
      EXIT.alreadyRunning,
      `The worker of ${home} is already running (pid ${running.pid}).`,
    );
  }
  const keeper = await findKeeper(home);
  if (!keeper) return;
  const when = keeper.nextStartAt ? ` and is started again at ${keeper.nextStartAt}` : "";
  throw new ExitError(
    EXIT.alreadyRunning,
    `The worker of ${home} has ended with ${
      keeper.lastEnd ?? "an error"
    }${when}; run \`actp-worker restart\` to do it now, or \`actp-worker stop\`.`,
  );
}

interface Keeper {
  readonly pid: number;
  exitCode: number | undefined;
}

/**
 * Node's spawn and not Deno's: it can hand the child an open file, so that nothing stands between it and its log.
 * Through env(1), because it rewrites the arguments of what it takes for the node program; env keeps the pid.
 */
function spawnKeeper(context: CliContext, home: string, args: readonly string[]): Keeper {
  const self = selfCommand(["keep", JSON.stringify({ home, args } satisfies KeepArguments)]);
  const path = errorFile(home);
  Deno.writeTextFileSync(path, "", { mode: 0o600 });
  const errors = openSync(path, "a", 0o600);
  const child = spawn("/usr/bin/env", [self.program, ...self.args], {
    detached: true,
    stdio: ["ignore", errors, errors],
    cwd: context.cwd,
    env: { ...context.env },
  });
  closeSync(errors);
  child.unref();
  if (child.pid === undefined) throw new ExitError(EXIT.failed, `Cannot start ${self.program}`);
  const keeper: Keeper = { pid: child.pid, exitCode: undefined };
  void once(child, "exit").then(([code]) => keeper.exitCode = code ?? EXIT.failed);
  return keeper;
}

type Waited =
  | { readonly daemon: DaemonRecord }
  | { readonly exitCode: number }
  | { readonly reasons: readonly string[] };

async function readiness(config: Config, keeper: Keeper): Promise<Waited> {
  let reasons: readonly string[] = [];
  const deadline = systemClock.monotonic() + READY_WITHIN_MS;
  while (systemClock.monotonic() < deadline) {
    await systemClock.sleep(LOOK_EVERY_MS);
    if (keeper.exitCode !== undefined) return { exitCode: keeper.exitCode };
    const daemon = await findDaemon(config.home);
    if (daemon?.keeper?.pid !== keeper.pid || !listens(daemon)) continue;
    const status = await askDaemon<WorkerStatus>(config, "GET", "/status");
    if (status.ready) return { daemon };
    reasons = status.reasons;
  }
  return { reasons };
}

/** Whether both of its servers do. */
export function listens({ controlPort, healthPort }: DaemonRecord): boolean {
  return controlPort !== undefined && healthPort !== undefined;
}

/** The end of what was logged since then, for a person: the log, then what the runtime and the keeper said. */
async function lastWords(home: string, since: number): Promise<string[]> {
  const wanted = (line: string) => matches(parseLogLine(line), { since });
  const logged = await Array.fromAsync(readLog({ folder: homePaths(home).logs, wanted, last: SHOWN_LINES }));
  const lines = [...logged, ...await lastLines(errorFile(home), SHOWN_LINES)].slice(-SHOWN_LINES);
  return lines.map((text) => {
    const line = parseLogLine(text);
    return line ? lineText(line, false) : printable(text);
  });
}
