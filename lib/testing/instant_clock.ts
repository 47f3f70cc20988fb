/** A clock for code that waits between real I/O: it waits for nothing and writes down how long it should have. */
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../clock.ts";

/** The machine's time, but sleeps end at once. */
export interface InstantClock extends Clock {
  /** Every sleep so far, in ms. */
  readonly slept: readonly number[];
}

/** A new one, that has not slept yet. */
export function instantClock(): InstantClock {
  const slept: number[] = [];
  return {
    now: systemClock.now,
    monotonic: systemClock.monotonic,
    slept,
    sleep(ms) {
      slept.push(ms);
      return new Promise((resolve) => void setImmediate(resolve));
    },
  };
}
