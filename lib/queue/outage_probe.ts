/**
 * Asks a dependency that is away whether it is back. Whoever needs it backs off up to minutes; this one cheap question
 * wakes them all within 2 s of its return.
 */
import { type Clock, within } from "../clock.ts";
import type { Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import type { Outage } from "./outage.ts";

/** `ping` is the cheapest call that shows that the others work; `random` gives numbers in [0, 1). */
export interface OutageProbeOptions {
  readonly outage: Outage;
  readonly clock: Clock;
  readonly ping: (signal: AbortSignal) => Promise<unknown>;
  readonly random?: () => number;
}

const EVERY_MS = 1000;
const JITTER_MS = 500;
const TIMEOUT_MS = 5000;

/** Does nothing unless an outage goes on. */
export class OutageProbe implements Service {
  readonly name = "outage probe";
  readonly #options: OutageProbeOptions;

  constructor(options: OutageProbeOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { outage, clock, random = Math.random } = this.#options;
    const begun = new Wakeup();
    const forget = outage.onBegin(() => begun.wake());
    try {
      while (!signal.aborted) {
        if (!outage.state?.transient) await begun.wait(Infinity, clock, signal);
        else {
          await clock.sleep(EVERY_MS + JITTER_MS * random(), signal);
          if (outage.state && !signal.aborted) await this.#ask(signal);
        }
      }
    } finally {
      forget();
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { outage, clock, ping } = this.#options;
    try {
      await within(clock, TIMEOUT_MS, signal, ping);
      outage.succeeded();
    } catch (error) {
      if (!signal.aborted) outage.failed(error as Error); // it goes on
    }
  }
}
