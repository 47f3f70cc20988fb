/** The places for tasks of one worker, shared by all its queues: never more tasks in progress than places. */
import type { RunningTask } from "./running.ts";

/** All queues of a worker take from one of these. */
export class Slots {
  #max: number;
  readonly #running = new Set<RunningTask>();
  readonly #listeners = new Set<() => void>();
  #reserved = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Changes the number of places; tasks in progress keep theirs. */
  resize(max: number): void {
    this.#max = max;
  }

  /** How many places there are. */
  get max(): number {
    return this.#max;
  }

  /** The tasks in progress, of all queues. */
  get running(): ReadonlySet<RunningTask> {
    return this.#running;
  }

  /** How many more tasks fit, beside those in progress and those that are being claimed. */
  get room(): number {
    return this.#max - this.#running.size - this.#reserved;
  }

  /** Keeps places for a claim that is under way; the returned function gives them back. */
  reserve(count: number): () => void {
    this.#reserved += count;
    return () => {
      this.#reserved -= count;
    };
  }

  /** A task begins. */
  take(running: RunningTask): void {
    this.#running.add(running);
  }

  /** A task has ended: whoever waits for a place may look. */
  free(running: RunningTask): void {
    this.#running.delete(running);
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` when a place comes free, until the returned function is called. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
