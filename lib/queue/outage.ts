/** An outage as people want to read it: one line when it begins, one with its length when it ends. */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";

/** What is known of an outage that goes on. `since` is ms since the epoch. */
export interface OutageState {
  readonly since: number;
  readonly error: string;
}

/** Watches one dependency through everybody who calls it. */
export class Outage {
  readonly #log = logger("outage");
  readonly #name: string;
  readonly #clock: Clock;
  readonly #onEnd = new Set<() => void>();
  #state: OutageState | undefined;

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /** The outage that goes on, if one does. */
  get state(): OutageState | undefined {
    return this.#state;
  }

  /** Calls `listener` when an outage has ended, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** A call failed. */
  failed(error: Error): void {
    if (this.#state) return;
    this.#state = { since: this.#clock.now(), error: error.message };
    this.#log.error(error.message, { dependency: this.#name });
  }

  /** A call worked. */
  succeeded(): void {
    if (!this.#state) return;
    const seconds = Math.round((this.#clock.now() - this.#state.since) / 1000);
    this.#log.info(`${this.#name} answers again after ${seconds} s`, { dependency: this.#name, seconds });
    this.#state = undefined;
    for (const listener of this.#onEnd) listener();
  }
}
