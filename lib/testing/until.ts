/** Waiting for real work (files, processes) in tests whose time is fake. */
import { setImmediate } from "node:timers";

const PATIENCE_MS = 60_000;

/**
 * Lets the event loop turn until the condition holds.
 * @throws Error that names what did not happen within a minute of real time
 */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}
