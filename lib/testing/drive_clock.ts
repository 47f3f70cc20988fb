/** Letting fake time pass for work that also waits for real I/O. */
import type { FakeClock } from "./fake_clock.ts";
import { until } from "./until.ts";

/**
 * Moves the clock on by `stepMs` whenever somebody sleeps on it, until `running` has settled; returns its result.
 * While nobody sleeps, real I/O is given its time.
 */
export async function driveClock<T>(clock: FakeClock, running: Promise<T>, stepMs = 1_000): Promise<T> {
  let settled = false;
  running.then(() => settled = true, () => settled = true);
  while (!settled) {
    await until("it sleeps on the clock or ends", () => settled || clock.pending() > 0);
    if (!settled) await clock.advance(stepMs);
  }
  return await running;
}
