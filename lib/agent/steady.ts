/** Calls of the database that outlast a short outage. */
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { DatabaseError } from "../database/database.ts";

const MAX_TRIES = 6;

/**
 * Makes the call again while the database is away, for about half a minute.
 * @throws what the call throws in the end; the signal's reason when aborted
 */
export async function steadily<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  for (let tries = 1;; tries++) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DatabaseError) || !error.transient || tries === MAX_TRIES) throw error;
      await clock.sleep(backoffDelay(tries, { firstMs: 500, maxMs: 10_000 }), signal);
    }
  }
}
