/** When an agent counts as unhealthy. Pure. */
import type { RunOutcome } from "./loop/outcome.ts";

/** So many errors in a row make an agent unhealthy. */
export const MAX_ERRORS_IN_A_ROW = 5;

/** Counts runs that ended with an error. Limits, refusals and cancellations are none. */
export class ErrorStreak {
  #count = 0;
  #last: string | undefined;

  /** Takes the next outcome; true when this very one made the agent unhealthy. */
  add({ stop, error }: Pick<RunOutcome, "stop" | "error">): boolean {
    if (stop === "released" || stop === "cancelled") return false;
    this.#count = stop === "error" ? this.#count + 1 : 0;
    this.#last = stop === "error" ? error : undefined;
    return this.#count === MAX_ERRORS_IN_A_ROW;
  }

  get count(): number {
    return this.#count;
  }

  /** Why it is unhealthy; undefined while it is not. */
  get reason(): string | undefined {
    if (this.#count < MAX_ERRORS_IN_A_ROW) return undefined;
    return `${this.#count} errors in a row, the last: ${this.#last ?? "without a reason"}`;
  }
}
