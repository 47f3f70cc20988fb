/** Stopping the worker, and the keeper that would start it again; nothing that is not proved to be ours. */
import { resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { ConfigError } from "../config.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { findDaemon, heldByUnknown } from "../daemon/pid_file.ts";
import { isRunning, type ProcessId, signalProven } from "../daemon/process_identity.ts";
import { defaultHome, expandHome } from "../paths.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { duration, type Terminal } from "./terminal.ts";

/** Between looks; two signals at once would also count as one. */
const LOOK_EVERY_MS = 100;
/** Beyond the drain: for programs that must be killed, and for the last reports. */
const STOP_MARGIN_MS = 40_000;
const LONGEST_DRAIN_SECONDS = 3600;

/** What stopping needs to know. */
export interface StopTarget {
  readonly home: string;
  readonly drainSeconds: number;
}

/** Which worker is meant; a broken configuration must not keep anybody from stopping it. */
export async function stopTarget(context: CliContext, globals: GlobalOptions): Promise<StopTarget> {
  try {
    return (await readConfig(context, globals)).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { home } = globals;
    const folder = typeof home === "string"
      ? resolve(context.cwd, expandHome(home, context.env.HOME))
      : defaultHome(context.env);
    return { home: folder, drainSeconds: LONGEST_DRAIN_SECONDS };
  }
}

/** How a stop went; `pid` is the worker's, or the keeper's where no worker ran at that moment. */
export interface Stopped {
  readonly pid: number;
  readonly ms: number;
}

/**
 * Asks the worker to stop and waits until it and its keeper have ended.
 * @param now does not let tasks in progress finish
 * @throws ExitError 3 where none runs, 1 where it does not stop in time or cannot be proved to be ours
 */
export async function stopWorker(
  terminal: Terminal,
  { home, drainSeconds }: StopTarget,
  now: boolean,
): Promise<Stopped> {
  const [daemon, keeper] = [await findDaemon(home), await findKeeper(home)];
  const ours: ProcessId[] = [daemon, keeper].filter((process) => process !== undefined);
  if (ours.length === 0) {
    if (!await heldByUnknown(home)) {
      throw new ExitError(EXIT.notRunning, `The worker of ${home} is not running.`);
    }
    throw new ExitError(
      EXIT.failed,
      `A process holds ${home}, but no sound PID file says which, so nothing was stopped. Find it with \`fuser ${home}/.lock\` and end it yourself.`,
    );
  }
  const started = systemClock.monotonic();
  // The keeper passes it on, and knows then that the worker is not to be started again.
  const asked = keeper ?? daemon!;
  await signalProven(asked, "SIGTERM");
  if (now) {
    await systemClock.sleep(LOOK_EVERY_MS);
    await signalProven(asked, "SIGTERM");
  }
  const limit = drainSeconds * 1000 + STOP_MARGIN_MS;
  while ((await Promise.all(ours.map(isRunning))).some((running) => running)) {
    const waited = systemClock.monotonic() - started;
    if (waited > limit) {
      throw new ExitError(
        EXIT.failed,
        `The worker (pid ${ours[0]!.pid}) has not stopped after ${
          duration(waited)
        }; see \`actp-worker status\`.`,
      );
    }
    if (waited > 500) terminal.status(`draining for ${duration(waited)} …`);
    await systemClock.sleep(LOOK_EVERY_MS / 2);
  }
  terminal.endStatus();
  return { pid: ours[0]!.pid, ms: Math.round(systemClock.monotonic() - started) };
}
