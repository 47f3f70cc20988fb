/**
 * Waiting for tasks to be settled, for those who ask with `?wait=`. All who wait share one look at the database, and
 * while nobody waits there is none.
 */
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";
import { Wakeup } from "../../wakeup.ts";

/** How long between two looks: shortly after somebody came, and later. */
const FIRST_MS = 50;
const MOST_MS = 1000;
/** More are not kept waiting: they are answered at once. */
const MAX_WAITING = 1000;

/** What waiting needs. */
export interface TaskWaitsOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** When the worker stops, everybody is answered. */
  readonly signal: AbortSignal;
}

/** See above. */
export class TaskWaits {
  readonly #options: TaskWaitsOptions;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #wakeup = new Wakeup();
  #looking = false;
  #pause = FIRST_MS;

  constructor(options: TaskWaitsOptions) {
    this.#options = options;
  }

  /** How many are kept waiting. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, each) => sum + each.size, 0);
  }

  /** Looks now: something was settled. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Resolves when the task is settled or gone, after `ms`, or when a signal aborts; never rejects. */
  async wait(id: string, ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stop = AbortSignal.any([signal, this.#options.signal]);
    if (ms <= 0 || stop.aborted || this.waiting >= MAX_WAITING) return;
    const over = new AbortController();
    const settled = () => over.abort("settled");
    const leave = () => over.abort("gone");
    stop.addEventListener("abort", leave, { once: true });
    const others = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, others.add(settled));
    this.#pause = FIRST_MS;
    this.#wakeup.wake();
    if (!this.#looking) void this.#look();
    try {
      await clock.sleep(ms, over.signal);
    } finally {
      stop.removeEventListener("abort", leave);
      others.delete(settled);
      if (others.size === 0) this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#wakeup.wake();
    }
  }

  async #look(): Promise<void> {
    const { database, clock, signal } = this.#options;
    this.#looking = true;
    while (this.#waiting.size > 0 && !signal.aborted) {
      await this.#wakeup.wait(this.#pause, clock, signal);
      this.#pause = Math.min(this.#pause * 2, MOST_MS);
      if (this.#waiting.size === 0) break;
      try {
        const p_task_ids = [...this.#waiting.keys()];
        const settled = await database.call<string[]>("actp_settled_tasks", { p_task_ids }, { signal });
        for (const id of settled) for (const wake of this.#waiting.get(id) ?? []) wake();
      } catch (error) {
        // Whoever waits is told by his own look at the task.
        logger("control").debug`tasks that are waited for could not be looked at: ${
          (error as Error).message
        }`;
      }
    }
    this.#looking = false;
  }
}
