/** Time that a test moves by hand. */
import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";

/** A Clock that stands still unless told. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` pass: wakes due sleepers in the order of their due times, also those that begin to sleep on the way,
   * and lets everything that is ready run after each. Real I/O that has not ended yet is not waited for.
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock by `ms` (negative: back) as a person or NTP would; sleepers and `monotonic` do not notice. */
  jump(ms: number): void;
  /** How many sleepers there are. */
  pending(): number;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that shows `startMs` (ms since the epoch). */
export function fakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0;
  let offset = startMs;
  const sleepers = new Set<Sleeper>();

  const nextDue = (until: number): Sleeper | undefined => {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.due <= until && (!first || sleeper.due < first.due)) first = sleeper;
    }
    return first;
  };

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      if (ms <= 0) return settle();
      return new Promise((resolve) => {
        const sleeper = {
          due: elapsed + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener("abort", sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", sleeper.wake, { once: true });
      });
    },
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let sleeper = nextDue(until); sleeper; sleeper = nextDue(until)) {
        elapsed = sleeper.due;
        sleeper.wake();
        await settle();
      }
      elapsed = until;
      await settle();
    },
    jump(ms) {
      offset += ms;
    },
    pending: () => sleepers.size,
  };
}

/** One turn of the event loop: every promise that can settle has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
