/** Trying again while a server or the network has trouble, within bounds. */
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { StorageFault } from "./fault.ts";

/** How to wait, and what counts as getting on. */
export interface PersevereOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Grows as the work gets on, also when it fails: then the failures before do not count. */
  readonly progress?: () => number;
}

const BACKOFF = { firstMs: 1_000, maxMs: 30_000 };
/** Failures in a row; with the waiting between them about half a minute. */
const MAX_FAILURES = 6;
/** A server that asks for more is left alone: the task is tried again later. */
const MAX_WAIT_MS = 120_000;

/**
 * Repeats `work` while it fails with a {@link StorageFault} that may pass.
 * @throws the last fault, any other error at once, and the signal's reason when aborted
 */
export async function persevere<T>(work: () => Promise<T>, options: PersevereOptions): Promise<T> {
  const { clock, signal, progress = () => 0 } = options;
  for (let failures = 1, reached = progress();; failures++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StorageFault) || !error.retry) throw error;
      if (progress() > reached) failures = 1;
      reached = Math.max(reached, progress());
      const waitMs = error.waitMs ?? backoffDelay(failures, BACKOFF);
      if (failures >= MAX_FAILURES || waitMs > MAX_WAIT_MS) throw error;
      await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
  }
}
