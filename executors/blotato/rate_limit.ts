/** Keeping within a service's rate limit before it has to say so, shared by all tasks of a process. */
import type { Clock } from "../../lib/clock.ts";

/** One limit of one key. */
export interface RateLimit {
  /**
   * Resolves when a request may be sent, and counts it.
   * @throws the signal's reason when it aborts before
   */
  turn(signal: AbortSignal): Promise<void>;
  /** Holds everybody back for so long: the service said that it had enough. */
  pause(ms: number): void;
}

/**
 * At most `max` requests begin within any `windowMs`: the window slides, as a full bucket at its edge would let twice
 * as many through.
 */
export function rateLimit(max: number, windowMs: number, clock: Clock): RateLimit {
  const begun: number[] = [];
  let pausedUntil = -Infinity;
  const waitMs = (): number => {
    const now = clock.monotonic();
    while (begun.length > 0 && begun[0] <= now - windowMs) begun.shift();
    const full = begun.length < max ? 0 : begun[begun.length - max] + windowMs - now;
    return Math.max(full, pausedUntil - now, 0);
  };
  return {
    async turn(signal) {
      signal.throwIfAborted();
      for (let wait = waitMs(); wait > 0; wait = waitMs()) {
        await clock.sleep(wait, signal);
        signal.throwIfAborted();
      }
      begun.push(clock.monotonic());
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.monotonic() + ms);
    },
  };
}
