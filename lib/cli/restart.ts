/** Restarting the worker as what it is: a service of its manager, or a program in the background. */
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { type DaemonRecord, findDaemon } from "../daemon/pid_file.ts";
import { restartCommand } from "../daemon/service_unit.ts";
import { describeExit, runProgram } from "../process.ts";
import type { WorkerStatus } from "../status.ts";
import { listens, type StartedWorker, startInBackground } from "./background.ts";
import { askDaemon, type CliContext } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { stopWorker } from "./stop.ts";

const LOOK_EVERY_MS = 200;
/** A service manager waits for the drain, and then until the worker is up. */
const MANAGER_WITHIN_MS = 300_000;
const READY_WITHIN_MS = 60_000;

/**
 * Stops what runs and starts it again; starts it where nothing runs. `given` goes after what the worker was started
 * with, so it wins.
 * @throws ExitError as starting and stopping do, and 1 where it runs in somebody's terminal
 */
export async function restartWorker(
  context: CliContext,
  config: Config,
  given: readonly string[],
  now: boolean,
): Promise<StartedWorker> {
  const { home } = config;
  const [daemon, keeper] = [await findDaemon(home), await findKeeper(home)];
  if (daemon?.service) return await restartService(config, daemon, daemon.service);
  if (daemon && !daemon.keeper) {
    throw new ExitError(
      EXIT.failed,
      `The worker (pid ${daemon.pid}) was started with --foreground; end it where it runs and start it there again.`,
    );
  }
  if (daemon || keeper) await stopWorker(context.terminal, config, now);
  return await startInBackground(context, config, [...keeper?.args ?? [], ...given]);
}

async function restartService(
  config: Config,
  before: DaemonRecord,
  service: NonNullable<DaemonRecord["service"]>,
): Promise<StartedWorker> {
  const [program, ...args] = restartCommand(service, Deno.uid());
  const result = await runProgram({
    program: program!,
    args,
    env: Deno.env.toObject(), // the manager of a person is found by XDG_RUNTIME_DIR and others
    signal: new AbortController().signal,
    timeoutMs: MANAGER_WITHIN_MS,
  });
  if (result.code !== 0) {
    throw new ExitError(
      EXIT.failed,
      `Cannot restart ${service.name}: ${program} ${describeExit(result)}: ${result.stderrTail.join(" ")}`,
    );
  }
  for (let waited = 0; waited < READY_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const daemon = await findDaemon(config.home);
    if (daemon && daemon.identity !== before.identity && listens(daemon)) {
      const { ready } = await askDaemon<WorkerStatus>(config, "GET", "/status");
      if (ready) return { daemon };
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  throw new ExitError(
    EXIT.failed,
    `${service.name} was restarted but is not ready after ${
      READY_WITHIN_MS / 1000
    } s; see \`actp-worker logs\`.`,
  );
}
