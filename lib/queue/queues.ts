/** All queues of a worker as one: they share its places, each has its own outages and its own pace. */
import type { Clock } from "../clock.ts";
import { runServices, type Service } from "../service.ts";
import type { TaskSource } from "../task/task.ts";
import type { LeaseTiming } from "./lease_keeper.ts";
import type { Outage } from "./outage.ts";
import { OutageProbe } from "./outage_probe.ts";
import type { RunningTask } from "./running.ts";
import { Slots } from "./slots.ts";
import { WorkerQueue, type WorkerQueueOptions } from "./worker_queue.ts";

/** One source and what is its own; times in ms. */
export interface SourceSettings {
  readonly source: TaskSource;
  readonly outage: Outage;
  readonly pollMs: number;
  /** At most so many of the worker's places; all of them unless told. */
  readonly maxOwn?: number;
  /** In place of the common one. */
  readonly leaseTiming?: LeaseTiming;
}

/** What all sources of a worker have in common. */
export interface QueuesOptions
  extends Omit<WorkerQueueOptions, "source" | "outage" | "pollMs" | "slots" | "maxOwn"> {
  readonly sources: readonly SourceSettings[];
  readonly maxConcurrent: number;
}

/** Runs tasks from every source until told to stop; then drains. */
export class Queues implements Service {
  readonly name = "queues";
  readonly sources: readonly SourceSettings[];
  readonly #queues: readonly WorkerQueue[];
  readonly #clock: Clock;
  readonly #slots: Slots;

  constructor({ sources, maxConcurrent, ...common }: QueuesOptions) {
    const slots = new Slots(maxConcurrent);
    this.#slots = slots;
    this.sources = sources;
    this.#clock = common.clock;
    this.#queues = sources.map((own) => new WorkerQueue({ ...common, ...own, slots }));
  }

  /** The tasks in progress, of all queues. */
  running(): readonly RunningTask[] {
    return this.#queues.flatMap((queue) => queue.running());
  }

  /** Whether every queue has been asked, and the first one, the task table if it is on, answers. */
  get ready(): boolean {
    return this.#queues.length === 0 || this.#queues[0]!.ready;
  }

  get draining(): boolean {
    return this.#queues.some((queue) => queue.draining);
  }

  /** When the turn of the one that waits longest is due, on the monotonic clock; undefined while none runs. */
  get turnDueAt(): number | undefined {
    const turns = this.#queues.map((queue) => queue.turnDueAt).filter((at) => at !== undefined);
    return turns.length > 0 ? Math.min(...turns) : undefined;
  }

  /** How many tasks may run at once. */
  get slots(): number {
    return this.#slots.max;
  }

  /** Changes how many tasks run at once; those in progress go on. */
  resize(maxConcurrent: number): void {
    this.#slots.resize(maxConcurrent);
    this.wake();
  }

  /** Why nothing is being claimed, if so. */
  get heldBack(): string | undefined {
    return this.#queues.map((queue) => queue.heldBack).find((reason) => reason !== undefined);
  }

  /** The database is being asked something else: a queue of it that gets hints may leave out its next poll. */
  spare(): void {
    for (const queue of this.#queues) queue.spare();
  }

  /** Looks for work now. */
  wake(): void {
    for (const queue of this.#queues) queue.wake();
  }

  /** Does not wait for the drain to end: stops the tasks in progress and gives them back. */
  releaseNow(): void {
    for (const queue of this.#queues) queue.releaseNow();
  }

  /** Runs until the signal aborts and all queues have drained. */
  async run(signal: AbortSignal): Promise<void> {
    const drained = new AbortController();
    const working: Service = {
      name: this.name,
      run: async (stop) => {
        const stopping = AbortSignal.any([signal, stop]);
        if (this.#queues.length > 0) await runServices(this.#queues, stopping);
        else await new Promise<void>((resolve) => whenAborted(stopping, resolve));
        drained.abort();
      },
    };
    const probes = this.sources.flatMap(({ source, outage }) =>
      source.ping
        ? [new OutageProbe({ outage, clock: this.#clock, ping: (signal) => source.ping!(signal) })]
        : []
    );
    await runServices([working, ...probes], drained.signal);
  }
}

function whenAborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener("abort", then, { once: true });
}
