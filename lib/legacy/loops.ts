/** The loops of version 1 that call the services' cron routes, each by its own clock, and none in another's way. */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";

/** One call of a loop's round. */
export interface CronCall {
  /** For messages, e.g. `MetricsLite /api/cron/score`. */
  readonly name: string;
  readonly url: string;
}

/** A loop as it is configured. Without calls it is off because of `missing`. */
export interface LoopSettings {
  readonly name: string;
  readonly enabled: boolean;
  /** Between the beginnings of two rounds, in ms. */
  readonly everyMs: number;
  readonly calls: readonly CronCall[];
  /** The setting without which there is nothing to call. */
  readonly missing?: string;
}

/** How a loop fares. Times are ISO 8601. */
export interface LoopStatus {
  readonly state: "disabled" | "not configured" | "waiting" | "running" | "failing";
  readonly last_run_at: string | null;
  readonly last_success_at: string | null;
  readonly last_error: string | null;
  readonly runs: number;
  readonly failures: number;
  /** What keeps an enabled loop from running. */
  readonly reason?: string;
}

/** Does one call. @throws an Error that says what is wrong */
export type CallCron = (call: CronCall, signal: AbortSignal) => Promise<void>;

const ROUND_TIMEOUT_MS = 5 * 60_000;
const BACKOFF = { firstMs: 10_000, maxMs: 300_000 };

/** Runs one loop: its rounds never overlap, and its errors are its own. */
export class LegacyLoop implements Service {
  readonly name: string;
  readonly settings: LoopSettings;
  readonly #log = logger("legacy");
  readonly #call: CallCron;
  readonly #clock: Clock;
  #running = false;
  #runs = 0;
  #failures = 0;
  #failuresInARow = 0;
  #lastRunAt: number | undefined;
  #lastSuccessAt: number | undefined;
  #lastError: string | undefined;

  constructor(settings: LoopSettings, call: CallCron, clock: Clock) {
    this.name = `legacy loop ${settings.name}`;
    this.settings = settings;
    this.#call = call;
    this.#clock = clock;
  }

  /** How it fares. */
  status(): LoopStatus {
    const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();
    return {
      state: this.#state(),
      last_run_at: iso(this.#lastRunAt),
      last_success_at: iso(this.#lastSuccessAt),
      last_error: this.#lastError ?? null,
      runs: this.#runs,
      failures: this.#failures,
      ...this.#state() === "not configured" && { reason: `set ${this.settings.missing}` },
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { enabled, calls, missing, everyMs, name } = this.settings;
    if (!enabled) return;
    if (calls.length === 0) {
      this.#log.warn(`the ${name} loop is on and has nothing to call (set ${missing})`);
      return;
    }
    while (!signal.aborted) {
      const began = this.#clock.monotonic();
      await this.#round(signal);
      // After a failure sooner than the next round, but with growing pauses.
      const pause = this.#failuresInARow > 0
        ? Math.min(everyMs, backoffDelay(this.#failuresInARow, BACKOFF))
        : Math.max(0, everyMs - (this.#clock.monotonic() - began));
      await this.#clock.sleep(pause, signal);
    }
  }

  #state(): LoopStatus["state"] {
    if (!this.settings.enabled) return "disabled";
    if (this.settings.calls.length === 0) return "not configured";
    if (this.#running) return "running";
    return this.#failuresInARow > 0 ? "failing" : "waiting";
  }

  /** All calls, whatever becomes of each: one service that is down does not keep the others waiting. */
  async #round(signal: AbortSignal): Promise<void> {
    this.#running = true;
    this.#lastRunAt = this.#clock.now();
    const errors: string[] = [];
    for (const call of this.settings.calls) {
      if (signal.aborted) break;
      try {
        await within(this.#clock, ROUND_TIMEOUT_MS, signal, (signal) => this.#call(call, signal));
      } catch (error) {
        if (!signal.aborted) errors.push((error as Error).message);
      }
    }
    this.#running = false;
    if (signal.aborted) return;
    this.#runs++;
    if (errors.length > 0) this.#failed(errors.join("; "));
    else this.#succeeded();
  }

  #failed(error: string): void {
    this.#failures++;
    if (this.#failuresInARow++ === 0 || error !== this.#lastError) {
      this.#log.error(error, { loop: this.settings.name });
    }
    this.#lastError = error;
  }

  #succeeded(): void {
    if (this.#failuresInARow > 0) {
      this.#log.info(`the ${this.settings.name} loop works again after ${this.#failuresInARow} failures`);
    }
    this.#failuresInARow = 0;
    this.#lastSuccessAt = this.#clock.now();
  }
}
