/** What time it is for the database, which decides what is due: estimated between its answers, and when to ask again. */
import { type Clock, type Moment, moment } from "../clock.ts";

/** The machine's two clocks may drift apart by so much before one of them was set, or the machine slept. */
const JUMP_MS = 500;
/** The database's own clock was set back when it is behind by so much. */
const BACK_MS = 60_000;

/** Follows the database's clock with the machine's own. */
export class DatabaseTime {
  readonly #clock: Clock;
  #measured: Moment;
  #time: number;
  #setBack = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#measured = moment(clock);
    this.#time = this.#measured.wall;
  }

  /** The database said that it is `now`, at some moment between `sent` (monotonic ms) and this call. */
  heard(now: number, sent: number): void {
    if (now < this.now() - BACK_MS) this.#setBack = true;
    this.#measured = moment(this.#clock);
    this.#time = now + (this.#measured.monotonic - sent) / 2;
  }

  /** Ms since the epoch, on the database's clock. */
  now(): number {
    return this.#time + this.#clock.monotonic() - this.#measured.monotonic;
  }

  /** Whether the machine slept or its clock was set since the database was last heard: then it has to be asked. */
  jumped(): boolean {
    const { monotonic, wall } = moment(this.#clock);
    const apart = (wall - this.#measured.wall) - (monotonic - this.#measured.monotonic);
    return Math.abs(apart) > JUMP_MS;
  }

  /** Whether the database's clock was set back since this was last asked. */
  wasSetBack(): boolean {
    const setBack = this.#setBack;
    this.#setBack = false;
    return setBack;
  }
}
