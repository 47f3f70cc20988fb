/** Deletes old runs, in small batches. */
import type { Database } from "../database/database.ts";

const BATCH = 1000;
/** Per call of {@link pruneRuns}; the rest goes next time. */
const MAX_BATCHES = 20;

/** Deletes ended runs that are older than `days`. @throws DatabaseError */
export async function pruneRuns(database: Database, days: number, signal: AbortSignal): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const args = { p_days: days, p_limit: BATCH };
    const { more } = await database.call<{ more: boolean }>("actp_prune_routine_runs", args, { signal });
    if (!more) return;
  }
}
