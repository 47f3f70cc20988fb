/** The tasks in progress: what each is doing, and the one way to stop it. */
import type { Clock } from "../clock.ts";
import type { Progress, Task, TaskSource } from "../task/task.ts";

/** Why a running attempt is stopped; the first reason counts. */
export type StopReason = "cancel" | "lost" | "timeout" | "release";

/** One task in progress. */
export class RunningTask {
  readonly task: Task;
  readonly source: TaskSource;
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number;
  readonly #startedMonotonic: number;
  readonly #clock: Clock;
  // Made when somebody asks for it: most tasks are over before anybody wants to stop them.
  #controller: AbortController | undefined;
  #stopReason: StopReason | undefined;
  #onStop: (() => void) | undefined;
  /** The newest progress that was reported, and whether the queue has been told. */
  progress: Progress | undefined;
  progressTold = true;

  constructor(task: Task, source: TaskSource, clock: Clock) {
    this.task = task;
    this.source = source;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.#startedMonotonic = clock.monotonic();
  }

  /** Aborts when the attempt is to be stopped. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stopReason) this.#controller.abort(stopError(this.#stopReason));
    }
    return this.#controller.signal;
  }

  get stopReason(): StopReason | undefined {
    return this.#stopReason;
  }

  /** How long it has been running, in ms. */
  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#startedMonotonic;
  }

  /** Asks the executor to stop. */
  stop(reason: StopReason): void {
    if (this.#stopReason) return;
    this.#stopReason = reason;
    this.#controller?.abort(stopError(reason));
    this.#onStop?.();
  }

  /** Calls the one listener when the attempt is stopped, at once if it has been. */
  onStop(listener: () => void): void {
    this.#onStop = listener;
    if (this.#stopReason) listener();
  }
}

/** What the signal's reason is. */
export function stopError(reason: StopReason): Error {
  return new Error(STOP_MESSAGES[reason]);
}

const STOP_MESSAGES: Record<StopReason, string> = {
  cancel: "the task was cancelled",
  lost: "the task's lease was lost: another worker may have it",
  timeout: "the task ran into its time limit",
  release: "the worker is shutting down",
};
