/** An outage as people want to read it: one line when it begins, one with its length when it ends. */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";

/** What is known of an outage that goes on. `since` is ms since the epoch. */
export interface OutageState {
  readonly since: number;
  readonly error: string;
  /** False where the dependency answers and refuses: whether it lives is not the question then. */
  readonly transient: boolean;
}

/**
 * Where some calls work and others do not, outages come and go: told each time, those who fail would be woken by
 * those who do not, without end and without back-off. After a shorter one, whoever backs off is back within 2 s
 * by himself.
 */
const WORTH_TELLING_MS = 2500;

/** Watches one dependency through everybody who calls it. */
export class Outage {
  readonly name: string;
  readonly #log = logger("outage");
  readonly #clock: Clock;
  readonly #onBegin = new Set<() => void>();
  readonly #onEnd = new Set<() => void>();
  #state: OutageState | undefined;
  #began = 0;
  #endedMs = 0;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  /** The outage that goes on, if one does. */
  get state(): OutageState | undefined {
    return this.#state;
  }

  /** How long its outages have lasted in all, the one that goes on included, in ms. */
  get totalMs(): number {
    return this.#endedMs + (this.#state ? this.#clock.monotonic() - this.#began : 0);
  }

  /** Calls `listener` when an outage begins, until the returned function is called. */
  onBegin(listener: () => void): () => void {
    this.#onBegin.add(listener);
    return () => this.#onBegin.delete(listener);
  }

  /** Calls `listener` when an outage of 2.5 s or more has ended, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** A call failed. */
  failed(error: Error): void {
    if (this.#state) return;
    this.#state = { since: this.#clock.now(), error: error.message, transient: isTransient(error) };
    this.#began = this.#clock.monotonic();
    this.#log.error(error.message, { dependency: this.name });
    for (const listener of this.#onBegin) listener();
  }

  /** A call worked. */
  succeeded(): void {
    if (!this.#state) return;
    const lastedMs = this.#clock.monotonic() - this.#began;
    this.#endedMs += lastedMs;
    const seconds = Math.round(lastedMs / 1000);
    this.#log.info(`${this.name} answers again after ${seconds} s`, { dependency: this.name, seconds });
    this.#state = undefined;
    if (lastedMs >= WORTH_TELLING_MS) { for (const listener of this.#onEnd) listener(); }
  }
}

/** Errors that do not say so (time-outs) are taken for transient ones. */
function isTransient(error: Error & { transient?: boolean }): boolean {
  return error.transient ?? true;
}
