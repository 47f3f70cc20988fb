/** One source's whole machinery: reconcile, claim, run, keep leases, settle, drain. */
import { backoffDelay } from "../backoff.ts";
import { aborted, type Clock, type Moment, within } from "../clock.ts";
import { logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import type { Task, TaskSource } from "../task/task.ts";
import { Wakeup } from "../wakeup.ts";
import type { GateOptions } from "../outward/acts.ts";
import type { Capabilities } from "./capabilities.ts";
import { type ConcurrencyLimits, typeRooms } from "./concurrency.ts";
import type { Journal } from "./journal.ts";
import { LeaseKeeper, type LeaseTiming } from "./lease_keeper.ts";
import type { QueueObserver } from "./observer.ts";
import type { Outage } from "./outage.ts";
import { Poller } from "./poller.ts";
import { type RunnerOptions, runTask } from "./runner.ts";
import { RunningTask } from "./running.ts";
import { Settler } from "./settler.ts";
import type { Slots } from "./slots.ts";
import { wakeListener } from "./wake_listener.ts";

/** Durations in ms, sizes in bytes. */
export interface WorkerQueueOptions {
  readonly source: TaskSource;
  readonly capabilities: Capabilities;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly outage: Outage;
  readonly leaseTiming: LeaseTiming;
  /** The worker's places for tasks, shared with its other queues. */
  readonly slots: Slots;
  /** At most so many of the places are for this queue; all of them unless told. */
  readonly maxOwn?: number;
  /** Limits of this worker's own, by type or pattern. */
  readonly concurrency?: ConcurrencyLimits;
  readonly pollMs: number;
  readonly drainMs: number;
  readonly tempRoot: string;
  readonly maxInputBytes: number;
  readonly maxOutputBytes: number;
  readonly gate: GateOptions;
  readonly holdBack?: () => Promise<string | undefined>;
  readonly observer?: QueueObserver;
}

/** After the drain, how long outcomes may take to reach the queue; what is left waits in the journal. */
const LAST_REPORT_MS = 3000;
const CALL_TIMEOUT_MS = 15_000;

/** Runs tasks from one source until told to stop; then drains. */
export class WorkerQueue implements Service {
  readonly name: string;
  readonly #log = logger("queue");
  readonly #options: WorkerQueueOptions;
  /** By attempt, not by task: a lost one may still be stopping when its task is claimed again. */
  readonly #running = new Set<RunningTask>();
  readonly #attempts = new Set<Promise<unknown>>();
  readonly #release = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #retry = new Wakeup();
  readonly #leases: LeaseKeeper;
  readonly #settler: Settler;
  readonly #poller: Poller;
  readonly #runnerOptions: RunnerOptions;
  #stopping: AbortSignal | undefined;

  constructor(options: WorkerQueueOptions) {
    const { source, clock, outage, capabilities, observer } = options;
    this.name = `queue ${source.name}`;
    this.#options = options;
    this.#leases = new LeaseKeeper({ timing: options.leaseTiming, clock, outage: () => outage, observer });
    this.#settler = new Settler({ source, journal: options.journal, clock, outage, observer });
    this.#runnerOptions = {
      ...options,
      giveUp: this.#giveUp.signal,
      onProgress: (running) => {
        this.#leases.progressed(running);
        observer?.progressed?.(running);
      },
    };
    this.#poller = new Poller({
      source,
      clock,
      outage,
      pollMs: options.pollMs,
      offer: () => ({
        ...typeRooms(capabilities.types(), this.#limitedRunning(), options.concurrency),
        exceptions: capabilities.exceptions(),
      }),
      room: () => Math.min(options.slots.room, (options.maxOwn ?? Infinity) - this.#running.size),
      reserve: (room) => options.slots.reserve(room),
      holdBack: options.holdBack,
      observer,
      start: (task, claimSent) => this.#start(task, claimSent),
    });
  }

  /** The tasks in progress. */
  running(): readonly RunningTask[] {
    return [...this.#running];
  }

  /** Whether it has claimed (or found nothing to claim) at least once, and the queue answers. */
  get ready(): boolean {
    return !this.draining && this.#poller.lastClaimAt !== undefined && !this.#options.outage.state;
  }

  get draining(): boolean {
    return this.#stopping?.aborted ?? false;
  }

  /** When its poller's turn is due; see there. */
  get turnDueAt(): number | undefined {
    return this.#poller.turnDueAt;
  }

  /** Why nothing is being claimed, if so. */
  get heldBack(): string | undefined {
    return this.#poller.heldBack;
  }

  /** Looks for work now. */
  wake(): void {
    this.#poller.wake();
  }

  /** The database is being asked something else; see `Poller.spare`. Does nothing for a source without hints. */
  spare(): void {
    if (this.#options.source.listen) this.#poller.spare();
  }

  /** Does not wait for the drain to end: stops the tasks in progress and gives them back. */
  releaseNow(): void {
    this.#release.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { source, clock, outage } = this.#options;
    const afterDrain = new AbortController();
    const stopWatching = this.#options.capabilities.onChange(() => this.#poller.wake());
    const stopWaiting = this.#options.slots.onFree(() => this.#poller.wake());
    const stopHoping = outage.onEnd(() => {
      this.#poller.hurry();
      this.#settler.hurry();
      this.#retry.wake();
    });
    const listener = wakeListener(source, (wake) => {
      if (wake.kind === "cancel") this.#leases.ask(wake.taskId);
      else this.#poller.wake();
    }, clock);
    const claiming: Service = {
      name: this.#poller.name,
      run: async (stop) => {
        const stopClaiming = AbortSignal.any([signal, stop]);
        this.#stopping = stopClaiming;
        if (await this.#reconcile(stopClaiming)) await this.#poller.run(stopClaiming);
        await this.#drain();
        afterDrain.abort();
      },
    };
    try {
      await runServices([claiming, listener, this.#leases, this.#settler], afterDrain.signal);
    } finally {
      stopWatching();
      stopWaiting();
      stopHoping();
    }
  }

  /**
   * Before anything new is claimed: what the journal knows is settled; what this worker still holds and the
   * journal does not know was being done when it stopped, and goes back to the queue as a lost attempt.
   */
  async #reconcile(signal: AbortSignal): Promise<boolean> {
    const { source, clock, outage } = this.#options;
    await Promise.race([this.#settler.drained(), aborted(signal)]);
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const given = await within(
          clock,
          CALL_TIMEOUT_MS,
          signal,
          async (signal) => await source.abandonHeld?.(signal) ?? 0,
        );
        if (given > 0) {
          this.#log.warn(
            `gave ${given} tasks back to the queue that were in progress when this worker last stopped`,
          );
        }
        outage.succeeded();
        return true;
      } catch (error) {
        if (signal.aborted) break;
        outage.failed(error as Error);
        await this.#retry.wait(backoffDelay(failures, { firstMs: 1000, maxMs: 300_000 }), clock, signal);
      }
    }
    return false;
  }

  /** The types of the tasks in progress, of all queues, where limits ask for them. */
  #limitedRunning(): string[] {
    if (Object.keys(this.#options.concurrency ?? {}).length === 0) return [];
    return [...this.#options.slots.running].map(({ task }) => task.type);
  }

  #start(task: Task, claimSent: Moment): void {
    const { source, clock, slots } = this.#options;
    const running = new RunningTask(task, source, clock);
    if (this.draining || this.#release.signal.aborted) running.stop("release");
    this.#running.add(running);
    slots.take(running);
    const attempt: Promise<void> = this.#attempt(running, claimSent).finally(() =>
      this.#attempts.delete(attempt)
    );
    this.#attempts.add(attempt);
  }

  async #attempt(running: RunningTask, claimSent: Moment): Promise<void> {
    const stopKeeping = this.#leases.keep(running, claimSent);
    try {
      await runTask(running, this.#runnerOptions);
    } catch (error) {
      this.#log.error(`the attempt broke off: ${(error as Error).message}`, { taskId: running.task.id });
    } finally {
      stopKeeping();
      this.#running.delete(running);
      this.#options.slots.free(running);
    }
  }

  /** Lets the tasks in progress finish, then releases what has not, then reports. */
  async #drain(): Promise<void> {
    const { clock, drainMs } = this.#options;
    if (this.#attempts.size > 0) {
      this.#log.info(`draining: ${this.#attempts.size} tasks in progress, for up to ${drainMs / 1000} s`);
      const finished = new AbortController();
      const all = Promise.all(this.#attempts).then(() => finished.abort());
      await clock.sleep(drainMs, AbortSignal.any([finished.signal, this.#release.signal]));
      for (const running of this.#running) running.stop("release");
      this.#giveUp.abort();
      await all;
    }
    const reported = new AbortController();
    await Promise.race([
      this.#settler.drained(),
      clock.sleep(LAST_REPORT_MS, reported.signal),
    ]);
    reported.abort();
    const left = this.#options.journal.size();
    if (left > 0) this.#log.warn(`${left} outcomes wait in the journal and are reported at the next start`);
  }
}
