/**
 * Claims what fits, when it fits:
 *  1. waits while there is no room, nothing that can be done, or a reason to hold back (a full disk);
 *  2. claims a batch as large as the free room and starts each task;
 *  3. claims again at once after a full batch, else waits for a wake-up, a freed place or the poll interval;
 *  4. backs off while the queue cannot be reached.
 */
import { backoffDelay } from "../backoff.ts";
import { type Clock, type Moment, moment, within } from "../clock.ts";
import { logger, taskLogger } from "../log.ts";
import type { Service } from "../service.ts";
import type { Exceptions } from "../task/exception.ts";
import type { Task, TaskSource } from "../task/task.ts";
import { Wakeup } from "../wakeup.ts";
import type { TypeRooms } from "./concurrency.ts";
import type { QueueObserver } from "./observer.ts";
import type { Outage } from "./outage.ts";

/** What may be claimed now. */
export interface Offer extends TypeRooms {
  /** Tasks of those types that are left to other workers. */
  readonly exceptions?: Exceptions;
}

/** Durations in ms. */
export interface PollerOptions {
  readonly source: TaskSource;
  readonly clock: Clock;
  readonly outage: Outage;
  readonly pollMs: number;
  /** Types that can be done now, and how many of those that are limited. */
  readonly offer: () => Offer;
  /** How many more tasks fit now. */
  readonly room: () => number;
  /** Keeps that many places for the claim under way; the returned function gives them back. */
  readonly reserve?: (room: number) => () => void;
  /** Why nothing should be claimed now, if there is a reason. */
  readonly holdBack?: () => Promise<string | undefined>;
  /** Begins a task whose claim was sent at that moment. */
  readonly start: (task: Task, claimSent: Moment) => void;
  readonly random?: () => number;
  readonly observer?: QueueObserver;
}

const BACKOFF = { firstMs: 1000, maxMs: 300_000 };
const CLAIM_TIMEOUT_MS = 15_000;
/** More in one call makes nothing faster, and keeps the others waiting. */
const MAX_CLAIM = 500;
/** So many calls at once where the room is large: the server then works on several processors. */
const MAX_CALLS = 2;
/** A claim that is under way at shutdown may have been granted: its answer is waited for, this long. */
const LAST_CLAIM_MS = 2000;

/** One per source. */
export class Poller implements Service {
  readonly name: string;
  readonly #log = logger("poll");
  readonly #wakeup = new Wakeup();
  readonly #options: PollerOptions;
  #failures = 0;
  #heldBack: string | undefined;
  #lastClaimAt: number | undefined;
  #turnDueAt: number | undefined;
  #spared = 0;

  constructor(options: PollerOptions) {
    this.name = `poller of ${options.source.name}`;
    this.#options = options;
  }

  /** When the queue last answered a claim, ms since the epoch; undefined before the first time. */
  get lastClaimAt(): number | undefined {
    return this.#lastClaimAt;
  }

  /** When its turn is due, on the monotonic clock: long past where it hangs. Undefined while it does not run. */
  get turnDueAt(): number | undefined {
    return this.#turnDueAt;
  }

  /** Why nothing is being claimed, if so. */
  get heldBack(): string | undefined {
    return this.#heldBack;
  }

  /** There may be work, or room for it. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** The queue has answered somebody: tries again without waiting for the back-off to end. */
  hurry(): void {
    if (this.#failures > 0) this.#wakeup.wake();
  }

  /**
   * The queue is being asked something else: a poll of the rest is left out for it, so that a worker with nothing to do
   * asks once in an interval. For queues that give hints; those wake it as ever.
   */
  spare(): void {
    this.#spared++;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#turnDueAt = this.#options.clock.monotonic();
      const wait = await this.#claimOnce(signal);
      if (wait > 0) await this.#rest(wait, signal);
    }
    this.#turnDueAt = undefined;
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#turnDueAt = clock.monotonic() + ms;
    if (await this.#wakeup.wait(ms, clock, signal)) this.#spared = 0;
    // Never two in a row.
    if (this.#spared === 0 || this.#failures > 0 || signal.aborted) return;
    this.#spared--;
    const more = this.#pollDelay();
    this.#turnDueAt = clock.monotonic() + more;
    await this.#wakeup.wait(more, clock, signal);
  }

  /** Claims if that makes sense now; returns how long to wait before the next claim, in ms. */
  async #claimOnce(signal: AbortSignal): Promise<number> {
    const { outage, clock } = this.#options;
    const offer = this.#options.offer();
    // Calls that are made together would each fill the room of a limit.
    const fitting = () => Math.min(this.#options.room(), offer.rooms ? MAX_CLAIM : MAX_CALLS * MAX_CLAIM);
    if (fitting() <= 0 || offer.types.length === 0 || await this.#mustHoldBack()) return this.#pollDelay();
    if (signal.aborted) return 0;
    const room = fitting(); // another queue may have taken places meanwhile
    if (room <= 0) return this.#pollDelay();
    const over = new AbortController();
    const giveBack = this.#options.reserve?.(room);
    try {
      const late = abortedSince(signal, LAST_CLAIM_MS, clock, over.signal);
      const claims = await Promise.allSettled(shares(room).map((share) => this.#claim(offer, share, late)));
      const claimed = claims.reduce(
        (sum, claim) => sum + (claim.status === "fulfilled" ? claim.value : 0),
        0,
      );
      const failed = claims.find((claim) => claim.status === "rejected");
      if (failed) throw failed.reason;
      this.#failures = 0;
      outage.succeeded();
      this.#lastClaimAt = clock.now();
      return claimed >= room ? 0 : this.#pollDelay();
    } catch (error) {
      if (signal.aborted) return 0;
      outage.failed(error as Error);
      this.#options.observer?.claimFailed?.(this.#options.source.name);
      return backoffDelay(++this.#failures, BACKOFF, this.#options.random?.());
    } finally {
      giveBack?.();
      over.abort("over");
    }
  }

  /** One call; starts what it brings, whatever becomes of the others. Returns how many tasks that were. */
  async #claim({ types, rooms, exceptions }: Offer, room: number, signal: AbortSignal): Promise<number> {
    const { source, start, clock, observer } = this.#options;
    const sent = moment(clock);
    const tasks = await within(
      clock,
      CLAIM_TIMEOUT_MS,
      signal,
      (signal) => source.claim(types, room, signal, rooms, exceptions),
    );
    observer?.claimed?.(source.name, tasks, { sentAt: sent.wall, answeredAt: clock.now() });
    const tell = this.#log.isEnabledFor("info");
    for (const task of tasks) {
      if (tell) taskLogger(task).info("claimed", { source: source.name, fence: task.token });
      start(task, sent);
    }
    return tasks.length;
  }

  async #mustHoldBack(): Promise<boolean> {
    let reason: string | undefined;
    try {
      reason = await this.#options.holdBack?.();
    } catch (error) {
      reason = (error as Error).message;
    }
    if (reason !== this.#heldBack) {
      if (reason) this.#log.warn(`not claiming: ${reason}`);
      else this.#log.info("claiming again");
      this.#heldBack = reason;
    }
    return reason !== undefined;
  }

  /** Up to a tenth later than the interval, so that many workers do not ask together. */
  #pollDelay(): number {
    const random = this.#options.random ?? Math.random;
    const { source, pollMs } = this.#options;
    return (source.pollMs?.() ?? pollMs) * (1 + 0.1 * random());
  }
}

/** The room for each of the calls that are made together. */
function shares(room: number): number[] {
  const calls = Math.ceil(room / MAX_CLAIM);
  return Array.from({ length: calls }, (_, i) => Math.floor((room + i) / calls));
}

/** Aborts `ms` after the signal has; `over` ends the watch. */
function abortedSince(signal: AbortSignal, ms: number, clock: Clock, over: AbortSignal): AbortSignal {
  const late = new AbortController();
  const follow = async () => {
    await clock.sleep(ms, over);
    late.abort();
  };
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true, signal: over });
  return late.signal;
}
