/** A wait that can be cut short: the one way loops sleep until a time or an event, whichever comes first. */
import type { Clock } from "./clock.ts";

/** A reason of its own: without one, every abort makes an exception with its stack. */
const CUT = "the wait was cut short";

/** Remembers a wake that comes while nobody waits, so none is lost. For one waiting loop. */
export class Wakeup {
  #woken = false;
  #wake: (() => void) | undefined;

  /** Ends the present wait, or the next one at once. */
  wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves after `ms`, on {@link wake}, or when the signal aborts; tells whether it was woken. */
  async wait(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    if (!this.#woken && !signal.aborted) {
      const cut = new AbortController();
      this.#wake = () => cut.abort(CUT);
      const abort = () => cut.abort(CUT);
      signal.addEventListener("abort", abort, { once: true });
      await clock.sleep(ms, cut.signal);
      signal.removeEventListener("abort", abort);
      this.#wake = undefined;
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}
