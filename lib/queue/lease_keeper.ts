/** Keeps the leases and the time limits of the tasks in progress, tells their progress, and hears that they should stop. */
import { type Clock, type Moment, moment, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { type HeartbeatAnswer, SourceError, type TaskSource } from "../task/task.ts";
import { Wakeup } from "../wakeup.ts";
import type { QueueObserver } from "./observer.ts";
import type { Outage } from "./outage.ts";
import type { RunningTask } from "./running.ts";

/** All in ms. */
export interface LeaseTiming {
  /** Between two heartbeats of a task that reports no progress. */
  readonly intervalMs: number;
  /** Before the first one: short tasks are over by then and need none. */
  readonly firstMs: number;
  /** At the most so often is progress told. */
  readonly progressMs: number;
}

/** The seed's interval, and progress often enough for a person who watches. */
export const DEFAULT_LEASE_TIMING: LeaseTiming = { intervalMs: 15_000, firstMs: 200, progressMs: 1000 };

const CALL_TIMEOUT_MS = 10_000;
const RETRY_MS = 2000;
/** A call that took so much longer than it was given says that this process stood still, not that the queue did. */
const STALL_MS = 5000;

interface Lease {
  readonly running: RunningTask;
  /** When the next heartbeat is due, on the monotonic clock; waits for the answer to one that is under way. */
  dueAt: number;
  sentAt: number;
  underWay: boolean;
  /** The last heartbeat had no answer. */
  failing: boolean;
  /** When the lease ends if nobody renews it: on both clocks, since the monotonic one may stand still in sleep. */
  ends: Moment;
  /** When the attempt has used up its time, on the monotonic clock. */
  readonly limitAt: number;
}

/** One loop for all tasks in progress: their heartbeats travel together. */
export class LeaseKeeper implements Service {
  readonly name = "lease keeper";
  readonly #log = logger("lease");
  readonly #leases = new Set<Lease>();
  readonly #wakeup = new Wakeup();
  #nextLook = 0;
  readonly #timing: LeaseTiming;
  readonly #clock: Clock;
  readonly #outage: (source: TaskSource) => Outage;
  readonly #observer: QueueObserver | undefined;

  constructor(
    options: {
      timing: LeaseTiming;
      clock: Clock;
      outage: (source: TaskSource) => Outage;
      observer?: QueueObserver;
    },
  ) {
    this.#timing = options.timing;
    this.#clock = options.clock;
    this.#outage = options.outage;
    this.#observer = options.observer;
  }

  /**
   * Begins to keep the lease of a task whose claim was sent at that moment; call the returned function when its
   * attempt is over. A task that is being stopped keeps its lease: nobody else may begin it before it has ended.
   */
  keep(running: RunningTask, claimSent: Moment): () => void {
    const now = this.#clock.monotonic();
    const lease: Lease = {
      running,
      dueAt: now + this.#timing.firstMs,
      sentAt: now,
      underWay: false,
      failing: false,
      ends: leaseEnd(running, claimSent),
      limitAt: now + running.task.timeoutMs,
    };
    this.#leases.add(lease);
    // The loop is asleep until something earlier than this, as a rule: then it need not know.
    if (Math.min(lease.dueAt, lease.limitAt) < this.#nextLook) this.#wakeup.wake();
    return () => this.#leases.delete(lease);
  }

  /** A task has new progress: it is told soon, not at once. */
  progressed(running: RunningTask): void {
    for (const lease of this.#leases) {
      if (lease.running === running) this.#hasten(lease, this.#timing.progressMs);
    }
  }

  /** The queue hints that a task should be asked about now. */
  ask(taskId: string): void {
    for (const lease of this.#leases) if (lease.running.task.id === taskId) this.#hasten(lease, 0);
  }

  async run(signal: AbortSignal): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!signal.aborted) {
      this.#stopExpired();
      // Not awaited: a call that hangs must not keep a lease from ending in time.
      for (const [source, leases] of this.#due()) {
        const beat = this.#beat(source, leases, signal).finally(() => underWay.delete(beat));
        underWay.add(beat);
      }
      const wait = this.#untilNext();
      this.#nextLook = this.#clock.monotonic() + wait;
      await this.#wakeup.wait(wait, this.#clock, signal);
      this.#nextLook = 0;
    }
    await Promise.all(underWay);
  }

  #hasten(lease: Lease, sinceLastMs: number): void {
    const dueAt = Math.max(lease.sentAt + sinceLastMs, this.#clock.monotonic());
    if (dueAt >= lease.dueAt) return;
    lease.dueAt = dueAt;
    this.#wakeup.wake();
  }

  #due(): Map<TaskSource, Lease[]> {
    const now = this.#clock.monotonic();
    const due = [...this.#leases].filter((lease) => lease.dueAt <= now && !lease.underWay);
    return Map.groupBy(due, (lease) => lease.running.source);
  }

  async #beat(source: TaskSource, leases: Lease[], signal: AbortSignal): Promise<void> {
    const sent = moment(this.#clock);
    const beats = leases.map((lease) => {
      const { running } = lease;
      lease.sentAt = sent.monotonic;
      lease.dueAt = sent.monotonic + this.#intervalMs(lease);
      lease.underWay = true;
      const progress = running.progressTold ? undefined : running.progress;
      running.progressTold = true;
      return { task: running.task, progress };
    });
    const timeoutMs = callTimeout(leases, sent.monotonic);
    try {
      const answers = await within(
        this.#clock,
        timeoutMs,
        signal,
        (signal) => source.heartbeat(beats, signal),
      );
      if (answers.length !== beats.length) {
        throw new SourceError(`Cannot renew leases: ${answers.length} answers for ${beats.length} tasks`, {
          transient: true,
        });
      }
      this.#outage(source).succeeded();
      this.#observer?.renewed?.(source.name, answers);
      leases.forEach((lease, i) => this.#apply(lease, answers[i], sent));
    } catch (error) {
      if (signal.aborted) return;
      this.#outage(source).failed(error as Error);
      this.#observer?.renewalFailed?.(source.name, leases.length);
      const now = moment(this.#clock);
      const stoodStill =
        Math.max(now.monotonic - sent.monotonic, now.wall - sent.wall) > timeoutMs + STALL_MS;
      leases.forEach((lease, i) => {
        lease.failing = !stoodStill;
        lease.dueAt = now.monotonic + RETRY_MS;
        if (beats[i].progress) lease.running.progressTold = false;
      });
    } finally {
      for (const lease of leases) lease.underWay = false;
      this.#wakeup.wake();
    }
  }

  /** The lease lasts from when the heartbeat was sent, not from when the answer came: never longer than the queue thinks. */
  #apply(lease: Lease, answer: HeartbeatAnswer, sent: Moment): void {
    const { running } = lease;
    lease.failing = false;
    lease.ends = leaseEnd(running, sent);
    if (answer === "cancel") running.stop("cancel");
    if (answer === "lost") this.#lose(lease, "the lease was lost: stopping the task");
  }

  #stopExpired(): void {
    const now = moment(this.#clock);
    for (const lease of this.#leases) {
      if (now.monotonic >= lease.limitAt) lease.running.stop("timeout");
      if (now.monotonic < lease.ends.monotonic && now.wall < lease.ends.wall) continue;
      // The machine slept, or the process stood still: the task may still be ours, so ask first.
      if (!lease.failing) lease.dueAt = Math.min(lease.dueAt, now.monotonic);
      else this.#lose(lease, "the lease ran out without an answer: stopping the task");
    }
  }

  #lose(lease: Lease, message: string): void {
    const { task } = lease.running;
    this.#log.warn(message, { taskId: task.id, fence: task.token });
    this.#leases.delete(lease);
    this.#observer?.leaseLost?.(lease.running.source.name);
    lease.running.stop("lost");
  }

  /** At least two heartbeats to a lease, however short it is. */
  #intervalMs({ running: { task } }: Lease): number {
    return Math.min(this.#timing.intervalMs, (task.leaseMs ?? Infinity) / 2);
  }

  #untilNext(): number {
    let next = Infinity;
    for (const lease of this.#leases) {
      if (!lease.underWay) next = Math.min(next, lease.dueAt);
      if (lease.failing) next = Math.min(next, lease.ends.monotonic);
      if (!lease.running.stopReason) next = Math.min(next, lease.limitAt);
    }
    // At most a minute, so that an end on the wall clock is seen after sleep.
    return Math.max(0, Math.min(next - this.#clock.monotonic(), 60_000));
  }
}

function leaseEnd({ task: { leaseMs = Infinity } }: RunningTask, since: Moment): Moment {
  return { monotonic: since.monotonic + leaseMs, wall: since.wall + leaseMs };
}

/** A call that hangs is given up when the first of its leases ends. */
function callTimeout(leases: readonly Lease[], now: number): number {
  const left = leases.map((lease) => lease.ends.monotonic - now).filter((ms) => ms > 0);
  return Math.min(CALL_TIMEOUT_MS, ...left);
}
