/** Supervision without a service manager: a small parent that starts the daemon again after a crash. */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";
import { claimKeeper, KEEPER_VARIABLE, type KeeperRecord } from "./keeper_file.ts";
import { findDaemon } from "./pid_file.ts";
import { ownProcess } from "./process_identity.ts";
import { afterRun, endText, type RunEnd } from "./restart_delay.ts";
import type { SelfCommand } from "./self.ts";
import { onSignal } from "./signals.ts";

/** What is kept running. */
export interface KeeperOptions {
  readonly home: string;
  readonly daemon: SelfCommand;
  /** What was given to `start`, kept for a restart. */
  readonly args: readonly string[];
  readonly clock: Clock;
  /** Called before every start, for what must be tidied up. */
  readonly beforeStart: () => Promise<void>;
}

const ALREADY_RUNNING = 75;
const FAILED = 1;
/** Passed on to the daemon; TERM and INT also mean that it is not started again. */
const FORWARDED: readonly Deno.Signal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/**
 * Runs the daemon and starts it again after each crash, until it is stopped or cannot be started.
 * @returns the exit code of the last run
 */
export async function keepDaemon({ home, args, daemon, clock, beforeStart }: KeeperOptions): Promise<number> {
  const log = logger("keeper");
  const claim = await claimKeeper(home);
  if (!claim) {
    log.error(`another keeper runs for ${home}; stop it with \`actp-worker stop\``);
    return ALREADY_RUNNING;
  }
  const stopping = new AbortController();
  let child: Deno.ChildProcess | undefined;
  const removers = FORWARDED.map((signal) =>
    onSignal(signal, () => {
      if (signal !== "SIGHUP") stopping.abort();
      // Not yet collected, so its pid is still its own.
      child?.kill(signal);
    })
  );
  try {
    let record: KeeperRecord = {
      ...await ownProcess(),
      startedAt: new Date(clock.now()).toISOString(),
      args,
      crashes: 0,
    };
    claim.update(record);
    let failures = 0;
    let cameUpOnce = false;
    while (true) {
      await beforeStart();
      if (stopping.signal.aborted) return 0;
      const began = clock.monotonic();
      child = start(daemon);
      const { pid } = child;
      const cameUp = watchForReadiness(home, pid, child.status, clock);
      const { code, signal } = await child.status;
      child = undefined;
      const end: RunEnd = {
        code: signal === null ? code : null,
        signal,
        cameUp: await cameUp,
        ranMs: clock.monotonic() - began,
      };
      if (stopping.signal.aborted) return end.code ?? FAILED;
      const verdict = afterRun(end, failures, !cameUpOnce);
      cameUpOnce ||= end.cameUp;
      if (verdict.kind === "end") {
        if (end.code !== 0) log.error(`the worker (pid ${pid}) ended with ${endText(end)}: ${verdict.why}`);
        return end.code ?? FAILED;
      }
      failures = verdict.failures;
      const now = clock.now();
      record = {
        ...record,
        crashes: record.crashes + 1,
        lastEnd: endText(end),
        lastEndAt: new Date(now).toISOString(),
        nextStartAt: new Date(now + verdict.delayMs).toISOString(),
      };
      claim.update(record);
      log.error(
        `the worker (pid ${pid}) died of ${endText(end)} and is started again in ${verdict.delayMs / 1000} s`,
        { crashes: record.crashes },
      );
      await clock.sleep(verdict.delayMs, stopping.signal);
      if (stopping.signal.aborted) return 0;
      claim.update(record = { ...record, nextStartAt: undefined });
    }
  } finally {
    removers.forEach((remove) => remove());
    await claim.release();
  }
}

/** The daemon writes to the keeper's own standard error, so it does not depend on the keeper's life. */
function start({ program, args }: SelfCommand): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...args],
    env: { [KEEPER_VARIABLE]: String(Deno.pid) },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
}

const LOOK_EVERY_MS = 500;

/** Whether this run listened on its ports before it ended. */
async function watchForReadiness(
  home: string,
  pid: number,
  ended: Promise<unknown>,
  clock: Clock,
): Promise<boolean> {
  const over = new AbortController();
  void ended.then(() => over.abort());
  while (!over.signal.aborted) {
    const daemon = await findDaemon(home);
    if (daemon?.pid === pid && daemon.controlPort !== undefined && daemon.healthPort !== undefined) {
      return true;
    }
    await clock.sleep(LOOK_EVERY_MS, over.signal);
  }
  return false;
}
