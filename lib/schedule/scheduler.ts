/**
 * Fires routines at their times. Workers that share a database each compute due times; the database's clock and its claims
 * decide who fires what, so that a routine fires once, and crashes, sleep and set clocks lose and double nothing.
 */
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import { DatabaseTime } from "./database_time.ts";
import { listenForHints } from "./hints.ts";
import { type Notify, RoutineNews } from "./news.ts";
import type { Actions, Routine } from "./routine.ts";
import type { MinuteTick } from "./minute_tick.ts";
import type { Missed } from "./missed.ts";
import { Plan } from "./plan.ts";
import { type OwnRun, type RoutineObserver, RunKeeper } from "./run_keeper.ts";
import { type Beat, type Claim, type ClaimAnswer, type LostRun, RoutineStore } from "./store.ts";

/** What a scheduler is made of. */
export interface SchedulerOptions {
  readonly database: Database;
  readonly workerId: string;
  readonly clock: Clock;
  /** All routines of this worker, each id once; replaced by {@link Scheduler.reload}. */
  readonly routines: readonly Routine[];
  readonly actions: Actions;
  /** The zone of cron expressions that name none. */
  readonly timeZone: string;
  /** How long runs may go on when the worker stops, in ms. */
  readonly drainMs: number;
  /** Takes what people should know: a routine that was switched off, a run that was lost. */
  readonly notify?: Notify;
  /** Whether to listen for the database's hints; without them changes are seen within 30 s. */
  readonly hints?: boolean;
  readonly minuteTick?: MinuteTick;
  readonly observer?: RoutineObserver;
}

/** How the scheduler fares. */
export interface SchedulerStatus {
  /** Whether its loop went round lately. */
  readonly alive: boolean;
  readonly last_tick_seconds: number | null;
  readonly routines: number;
  /** Those that are switched on. */
  readonly on: number;
  readonly running: number;
  /** ISO 8601. */
  readonly next_due_at: string | null;
  /** Why it cannot work now. */
  readonly error: string | null;
}

/** Clocks are looked at, and life is shown, this often: sleep and set clocks are noticed within it. */
const TICK_MS = 30_000;
/** And this often while something runs. */
const BUSY_TICK_MS = 15_000;
const LEASE_MS = 60_000;
/** Without a round of the loop for so long it is not alive. */
const DEAD_MS = 3 * TICK_MS;
const BACKOFF = { firstMs: 500, maxMs: TICK_MS };
const MAX_CLAIMS = 1000;
const MAX_STARTED = 100;

/** One worker's scheduler. */
export class Scheduler implements Service {
  readonly name = "scheduler";
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #log = logger("schedule");
  readonly #time: DatabaseTime;
  readonly #store: RoutineStore;
  readonly #keeper: RunKeeper;
  readonly #news: RoutineNews;
  readonly #wakeup = new Wakeup();
  #plan: Plan;
  #synced = false;
  #waiting = false;
  #lastBeat = -Infinity;
  /** By the database's clock; what was switched before is known. */
  #changesSince = 0;
  #lastTick: number | undefined;
  #turnDueAt: number | undefined;
  #error: string | undefined;

  constructor(options: SchedulerOptions) {
    const { database, workerId, clock, actions, observer } = options;
    this.#options = options;
    this.#clock = clock;
    this.#time = new DatabaseTime(clock);
    this.#store = new RoutineStore({ database, workerId, clock, leaseMs: LEASE_MS }, this.#time);
    this.#plan = new Plan(options.routines, options.timeZone);
    this.#news = new RoutineNews(options.notify);
    this.#keeper = new RunKeeper({
      clock,
      actions,
      observer,
      record: (id, { status, ...told }) => this.#store.end(id, status, told),
      onEnd: (routine, { error }, { failures, off, waiting }) => {
        if (waiting) this.#waitingMayStart();
        if (off) this.#switchedOff(routine.id, failures, error ?? "");
      },
    });
  }

  /** Takes other routines in place of those it has. What runs goes on, and nothing that is due is lost. */
  reload(routines: readonly Routine[]): void {
    this.#plan = new Plan(routines, this.#options.timeZone);
    this.#synced = false;
    this.#wakeup.wake();
  }

  /** Looks now for what was switched or run by hand. */
  wake(): void {
    this.#lastBeat = -Infinity;
    this.#wakeup.wake();
  }

  /** When its next round should begin, on the monotonic clock; undefined while it does not run. */
  get turnDueAt(): number | undefined {
    return this.#turnDueAt;
  }

  /** How it fares. */
  status(): SchedulerStatus {
    const age = this.#lastTick === undefined ? undefined : this.#clock.monotonic() - this.#lastTick;
    const next = this.#plan.nextAt();
    return {
      alive: age !== undefined && age < DEAD_MS,
      last_tick_seconds: age === undefined ? null : Math.round(age / 1000),
      routines: this.#plan.size,
      on: this.#plan.on(),
      running: this.#keeper.ids().length,
      next_due_at: next === undefined ? null : new Date(next).toISOString(),
      error: this.#error ?? null,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { database, clock, hints, minuteTick, drainMs } = this.#options;
    const others = [
      hints ? listenForHints(database, clock, () => this.wake(), signal) : undefined,
      minuteTick?.(() => this.#wakeup.wake(), signal).catch((error) =>
        this.#log.warn(`no minute tick: ${error.message}`)
      ),
    ];
    for (let failures = 0; !signal.aborted;) {
      this.#turnDueAt = clock.monotonic();
      try {
        await this.#round(signal);
        if (this.#error !== undefined) this.#log.info("the scheduler works again");
        this.#error = undefined;
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures++;
        this.#failed(error as Error);
      }
      this.#lastTick = this.#clock.monotonic();
      const waitMs = failures > 0 ? backoffDelay(failures, BACKOFF) : this.#untilNext();
      this.#turnDueAt = clock.monotonic() + waitMs;
      await this.#wakeup.wait(waitMs, clock, signal);
    }
    this.#turnDueAt = undefined;
    await this.#stop(drainMs);
    await Promise.all(others);
  }

  /** Everything that is to be done now. */
  async #round(signal: AbortSignal): Promise<void> {
    if (!this.#synced) await this.#sync(signal);
    if (this.#beatIsDue()) await this.#beat(signal);
    if (this.#time.wasSetBack()) await this.#rewind(signal);
    await this.#fire(signal);
    if (this.#waiting) await this.#startWaiting(signal);
  }

  #untilNext(): number {
    if (!this.#synced) return 0; // reloaded meanwhile, or the database has forgotten
    const due = (this.#plan.nextAt() ?? Infinity) - this.#time.now();
    const beat = this.#lastBeat + this.#tickMs() - this.#clock.monotonic();
    return Math.max(0, Math.min(due, beat, TICK_MS));
  }

  #tickMs(): number {
    return this.#keeper.ids().length > 0 ? BUSY_TICK_MS : TICK_MS;
  }

  #beatIsDue(): boolean {
    return this.#time.jumped() || this.#clock.monotonic() - this.#lastBeat >= this.#tickMs();
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const plan = this.#plan;
    plan.take(await this.#store.sync(plan.routines, signal));
    this.#synced = plan === this.#plan;
    this.#changesSince = this.#time.now();
    await this.#rewind(signal);
    // The first claim of a connection has to be planned: not at the time when something is due.
    await this.#store.claim([], signal);
    this.#look();
  }

  /** The clock was set back: what was dealt with for times to come is due again at those that did not fire yet. */
  async #rewind(signal: AbortSignal): Promise<void> {
    const plan = this.#plan;
    const ids = plan.ahead(this.#time.now());
    if (ids.length === 0) return;
    this.#log.warn(`the clock was set back: ${ids.length} routines begin again from now`);
    plan.take(await this.#store.rewind(ids, signal));
  }

  #waitingMayStart(): void {
    this.#waiting = true;
    this.#wakeup.wake();
  }

  /** Makes the next round beat. */
  #look(): void {
    this.#lastBeat = -Infinity;
    this.#wakeup.wake();
  }

  async #beat(signal?: AbortSignal): Promise<void> {
    const sent = this.#clock.monotonic();
    const answer = await this.#store.beat(this.#keeper.ids(), this.#changesSince, signal);
    this.#lastBeat = sent;
    if (!answer) {
      this.#synced = false;
      return;
    }
    this.#changesSince = this.#time.now();
    this.#heed(answer);
  }

  #heed({ stop, gone, lost, switched, waiting }: Beat): void {
    for (const { run_id, reason } of stop) this.#keeper.cancel(run_id, reason);
    for (const id of gone) this.#keeper.cancel(id, "the run is not this worker's any more");
    this.#lost(lost);
    this.#plan.take(switched);
    this.#waiting = waiting;
  }

  /** Decides about all that is due, and claims it, until nothing is. */
  async #fire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#synced) {
      const plan = this.#plan;
      const claims = plan.due(this.#time.now(), MAX_CLAIMS);
      if (claims.length === 0) return;
      try {
        const { lost, answers } = await this.#store.claim(claims, signal);
        this.#lost(lost);
        for (const [index, answer] of answers.entries()) this.#answered(plan, claims[index]!, answer);
      } finally {
        plan.putBack(claims); // those without an answer are still due
      }
    }
  }

  #answered(plan: Plan, claim: Claim, answer: ClaimAnswer): void {
    const { id, until, missed } = claim;
    switch (answer.outcome) {
      case "unknown":
        this.#synced = false;
        return plan.drop(id);
      case "moved":
        return plan.handled(id, answer.handledUntil);
      case "off":
        return plan.take([{ id, handledUntil: answer.handledUntil, switched: false }]);
      case "early":
        return; // the database's time is known better now
    }
    plan.handled(id, until);
    if (missed) this.#missed(id, missed);
    const due = new Date(until).toISOString();
    if (answer.outcome === "run") {
      const routine = plan.find(id);
      if (routine) this.#start(routine, { id: answer.run_id, dueAt: until });
    } else if (answer.outcome === "skip") this.#log.info(`${id} of ${due} is left out: ${answer.why}`);
    else if (answer.outcome === "wait") this.#log.info(`${id} of ${due} waits for the run before it to end`);
    else if (answer.outcome === "cancel") {
      this.#log.info(`${id} of ${due} is due: the run before it is cancelled`);
      this.#keeper.cancel(answer.run_id, "its next run is due");
    }
  }

  #start(routine: Routine, run: OwnRun): void {
    this.#options.observer?.fired?.(routine, Math.max(0, this.#time.now() - run.dueAt));
    this.#keeper.start(routine, run);
  }

  #missed(id: string, missed: Missed): void {
    this.#options.observer?.missed?.(id, missed.count);
    this.#news.missed(id, missed);
  }

  async #startWaiting(signal: AbortSignal): Promise<void> {
    this.#waiting = false;
    const started = await this.#store.startWaiting(MAX_STARTED, signal);
    if (started.length === MAX_STARTED) this.#waitingMayStart(); // there may be more
    for (const run of started) {
      const routine = this.#plan.find(run.routine_id);
      const own = { id: run.run_id, dueAt: Date.parse(run.due_at) };
      if (routine) this.#start(routine, own);
      else {await this.#store.end(
          own.id,
          "cancelled",
          { error: "the worker has the routine no more" },
          signal,
        );}
    }
  }

  #lost(lost: readonly LostRun[]): void {
    for (const run of lost) {
      this.#news.lost(run);
      if (run.off) this.#switchedOff(run.routine_id, run.failures, `its worker ${run.worker_id} fell silent`);
    }
  }

  #switchedOff(id: string, failures: number, error: string): void {
    this.#news.switchedOff(id, failures, error);
    this.#look();
  }

  #failed(error: Error): void {
    const refused = error instanceof DatabaseError && !error.transient;
    if (this.#error !== error.message) {
      this.#log[refused ? "error" : "warn"](`Cannot fire routines, trying again: ${error.message}`);
    }
    this.#error = error.message;
  }

  /** Lets runs end, showing life meanwhile; then cancels them. */
  async #stop(drainMs: number): Promise<void> {
    const over = new AbortController();
    const beating = (async () => {
      while (!over.signal.aborted) {
        await this.#clock.sleep(BUSY_TICK_MS, over.signal);
        if (over.signal.aborted) return;
        await this.#beat().catch((error) => this.#log.debug(`no sign of life: ${error.message}`));
      }
    })();
    await this.#keeper.drain(drainMs);
    over.abort("over");
    await beating;
  }
}
