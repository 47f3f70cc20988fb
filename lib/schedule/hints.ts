/** The database's hints that something was switched or run by hand: only to be quicker, since the scheduler looks anyway. */
import { backoffDelay } from "../backoff.ts";
import { aborted, type Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";

/** As the functions of routines send them. */
const CHANNEL = "actp_schedule";
const RETRY = { firstMs: 1000, maxMs: 60_000 };

/** Calls `onHint` at each until the signal aborts; where hints cannot be had, says so once and tries again. */
export async function listenForHints(
  database: Database,
  clock: Clock,
  onHint: () => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; database.listen && !signal.aborted; failures++) {
    try {
      const stop = await database.listen(CHANNEL, onHint);
      onHint(); // what was sent before is lost
      await aborted(signal);
      await stop();
    } catch (error) {
      if (signal.aborted) return;
      const log = logger("schedule");
      if (failures === 1) {
        log.warn(`no hints about routines, changes are seen later: ${(error as Error).message}`);
      }
      await clock.sleep(backoffDelay(failures, RETRY), signal);
    }
  }
}
