/** Keeps one agent's output from filling the log or busying its supervisor. Pure. */

/** `log`: write it; `drop`: too much has been written already; `flood`: so much that its process is at fault. */
export type LineVerdict = "log" | "drop" | "flood";

/** Bounds for each window of time. */
export interface OutputBounds {
  readonly windowMs: number;
  /** Lines that are logged. */
  readonly logLines: number;
  /** Lines, and characters, after which the output counts as a flood. */
  readonly floodLines: number;
  readonly floodChars: number;
}

const BOUNDS: OutputBounds = {
  windowMs: 10_000,
  logLines: 500,
  floodLines: 20_000,
  floodChars: 32 * 2 ** 20,
};

/** Counts lines in windows of time. */
export class OutputGuard {
  readonly #bounds: OutputBounds;
  #windowStart = -Infinity;
  #lines = 0;
  #chars = 0;
  #dropped = 0;

  constructor(bounds: OutputBounds = BOUNDS) {
    this.#bounds = bounds;
  }

  /** Judges a line of this length at this monotonic time in ms. */
  take(chars: number, now: number): LineVerdict {
    if (now - this.#windowStart >= this.#bounds.windowMs) {
      this.#windowStart = now;
      this.#lines = this.#chars = 0;
    }
    this.#lines++;
    this.#chars += chars;
    if (this.#lines > this.#bounds.floodLines || this.#chars > this.#bounds.floodChars) return "flood";
    if (this.#lines <= this.#bounds.logLines) return "log";
    this.#dropped++;
    return "drop";
  }

  /** How many lines have been dropped since this was last asked. */
  dropped(): number {
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }
}
