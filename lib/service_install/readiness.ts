/** Waiting until the worker that a service manager has started takes work. */
import type { Clock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** How the service's worker stands at the end of the waiting. */
export interface Readiness {
  readonly ready: boolean;
  /** Why it takes no work; where nothing is known, nothing. */
  readonly reasons: readonly string[];
  readonly pid?: number;
  readonly workerId?: string;
}

/** Waits for the worker of this home folder to be ready, a minute at most. `host` is the address of its servers. */
export async function waitUntilReady(home: string, host: string, clock: Clock): Promise<Readiness> {
  let last: Readiness = { ready: false, reasons: [] };
  for (let waited = 0; waited < READY_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const daemon = await findDaemon(home);
    if (daemon?.healthPort !== undefined) {
      const { pid, workerId } = daemon;
      last = { ...await askReady(`http://${host}:${daemon.healthPort}/ready`), pid, workerId };
      if (last.ready) return last;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
  return last;
}

async function askReady(url: string): Promise<Readiness> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const { reasons = [] } = await response.json();
    return { ready: response.ok, reasons };
  } catch (error) {
    return { ready: false, reasons: [`its health server does not answer: ${(error as Error).message}`] };
  }
}
