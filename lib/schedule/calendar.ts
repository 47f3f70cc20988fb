/** What due times are computed with: time zones and cron expressions, read once for many routines. */
import { type CronPattern, cronPattern } from "../cron_pattern.ts";
import { type Zone, zoneFinder, type Zones } from "./local_time.ts";

/** One that has been read takes 80 kB, and 0.2 ms to read again. */
const MAX_PATTERNS = 200;

/** Finds zones and expressions. */
export class Calendar {
  readonly #zones: Zones = zoneFinder();
  readonly #patterns = new Map<string, CronPattern>();
  readonly #timeZone: string;

  /** @param timeZone the IANA name of the zone that counts where none is named */
  constructor(timeZone: string) {
    this.#timeZone = timeZone;
  }

  /** @throws RangeError for a name that this machine does not know */
  zone(name: string = this.#timeZone): Zone {
    return this.#zones(name);
  }

  /** @throws an Error that says what is wrong with the expression */
  pattern(expression: string): CronPattern {
    const known = this.#patterns.get(expression);
    if (known) this.#patterns.delete(expression); // and in again, as the last one used
    else if (this.#patterns.size === MAX_PATTERNS) {
      const [unused] = this.#patterns.keys();
      this.#patterns.delete(unused!);
    }
    const pattern = known ?? cronPattern(expression);
    this.#patterns.set(expression, pattern);
    return pattern;
  }
}
