/** `reload`: the running worker reads its configuration again. */
import { systemClock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { signalProven } from "../daemon/process_identity.ts";
import { fieldName, type ReloadReport } from "../daemon/reload.ts";
import { EXIT, ExitError } from "./exit.ts";
import { printable, type Terminal } from "./terminal.ts";

const LOOK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 15_000;

/**
 * Asks for a reload and waits for what comes of it.
 * @throws ExitError 3 where no worker runs, 1 where it does not answer
 */
export async function reloadWorker(home: string): Promise<ReloadReport> {
  const before = await findDaemon(home);
  // Before it listens it may not yet hear the signal either, and would die of it.
  if (before?.controlPort === undefined) {
    throw new ExitError(
      EXIT.notRunning,
      `The worker of ${home} is not running${before ? " yet" : ""}. Start it with \`actp-worker start\`.`,
    );
  }
  if (!await signalProven(before, "SIGHUP")) {
    throw new ExitError(EXIT.notRunning, `The worker of ${home} has just ended.`);
  }
  for (let waited = 0; waited < ANSWER_WITHIN_MS; waited += LOOK_EVERY_MS) {
    await systemClock.sleep(LOOK_EVERY_MS);
    const daemon = await findDaemon(home);
    if (daemon?.pid !== before.pid) {
      throw new ExitError(EXIT.failed, "The worker has ended during the reload.");
    }
    if (daemon.reload && daemon.reload.at !== before.reload?.at) return daemon.reload;
  }
  throw new ExitError(
    EXIT.failed,
    `The worker (pid ${before.pid}) has not reloaded within ${
      ANSWER_WITHIN_MS / 1000
    } s; see \`actp-worker logs\`.`,
  );
}

/** Tells a person. @throws ExitError 78 where the configuration is wrong, 1 where not all could be applied */
export function showReload(terminal: Terminal, { applied, restartNeeded, problems }: ReloadReport): void {
  if (applied.length > 0) terminal.out(`applied: ${applied.map(fieldName).join(", ")}`);
  if (restartNeeded.length > 0) {
    terminal.out("changed, and in effect only after `actp-worker restart`:");
    for (const key of restartNeeded) terminal.out(`  ${fieldName(key)}`);
  }
  if (applied.length + restartNeeded.length + problems.length === 0) terminal.out("nothing has changed");
  if (problems.length > 0) throw reloadFailure({ applied, restartNeeded, problems });
}

/** The error of a reload that found problems. */
export function reloadFailure(
  { applied, restartNeeded, problems }: Pick<ReloadReport, "applied" | "restartNeeded" | "problems">,
): ExitError {
  const nothing = applied.length + restartNeeded.length === 0;
  const lines = problems.map((problem) => `  - ${printable(problem)}`);
  return nothing
    ? new ExitError(EXIT.badConfig, ["The configuration was not reloaded:", ...lines].join("\n"))
    : new ExitError(EXIT.failed, ["Not everything could be applied:", ...lines].join("\n"));
}
