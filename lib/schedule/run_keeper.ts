/** The runs in progress on this worker: begun, limited in time, cancelled, and their ends recorded. */
import { backoffDelay } from "../backoff.ts";
import { aborted, type Clock } from "../clock.ts";
import { logger } from "../log.ts";
import type { Actions, Routine, RunAction } from "./routine.ts";
import type { EndAnswer, RunEnd } from "./store.ts";

/** A run that is this worker's. */
export interface OwnRun {
  readonly id: string;
  /** Ms since the epoch. */
  readonly dueAt: number;
}

/** How a run ended, to be recorded. */
export interface RunOutcome {
  readonly status: RunEnd;
  readonly error?: string;
  /** JSON. */
  readonly result?: unknown;
}

/** Listens to routines, for metrics and traces. May not throw. */
export interface RoutineObserver {
  /** A run begins, so many ms after its time. */
  fired?(routine: Routine, lateMs: number): void;
  /** Does the work of a run, for whoever wants to stand around it. */
  perform?(routine: Routine, run: OwnRun, work: () => Promise<RunOutcome>): Promise<RunOutcome>;
  /** A run is over. */
  ended?(routine: Routine, status: RunEnd, ms: number): void;
  /** So many runs did not happen at their time. */
  missed?(routineId: string, count: number): void;
}

/** What the keeper needs. */
export interface KeeperOptions {
  readonly clock: Clock;
  readonly actions: Actions;
  /** Records an end in the database; tried again when it throws. */
  readonly record: (runId: string, outcome: RunOutcome) => Promise<EndAnswer>;
  /** Told of each recorded end. */
  readonly onEnd: (routine: Routine, outcome: RunOutcome, answer: EndAnswer) => void;
  readonly observer?: RoutineObserver;
}

interface Progress {
  readonly routine: Routine;
  readonly stop: AbortController;
  /** Why it was stopped, and how that counts. */
  ending?: RunOutcome;
  readonly over: Promise<void>;
}

/** An action that does not heed its signal is left to itself after so long. */
const DEAF_MS = 10_000;
/** How long a worker that stops tries to record the ends of its runs. */
const RECORD_MS = 5_000;
const RECORD = { firstMs: 500, maxMs: 15_000 };
const MAX_ERROR = 2000;
const MAX_RESULT = 65_536;

/** Runs actions. */
export class RunKeeper {
  readonly #options: KeeperOptions;
  readonly #runs = new Map<string, Progress>();
  readonly #log = logger("schedule");
  readonly #giveUp = new AbortController();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** The ids of what is in progress, or over and not recorded yet. */
  ids(): string[] {
    return [...this.#runs.keys()];
  }

  /** Begins a run. */
  start(routine: Routine, run: OwnRun): void {
    const stop = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const progress: Progress = { routine, stop, over: promise };
    this.#runs.set(run.id, progress);
    void this.#live(routine, run, progress).finally(() => {
      this.#runs.delete(run.id);
      resolve();
    });
  }

  /** Cancels a run if it is here. */
  cancel(runId: string, reason: string): void {
    const run = this.#runs.get(runId);
    if (run) this.#stop(run, { status: "cancelled", error: reason });
  }

  /** Lets what is in progress go on for at most `ms`, then cancels it; returns when all is recorded, or cannot be. */
  async drain(ms: number): Promise<void> {
    const all = () => Promise.all([...this.#runs.values()].map(({ over }) => over));
    await this.#atMost(ms, all());
    for (const id of this.ids()) this.cancel(id, "the worker stopped");
    await this.#atMost(DEAF_MS + RECORD_MS, all());
    this.#giveUp.abort();
    for (const id of this.ids()) this.#log.error(`Cannot record how run ${id} ended before the worker stops`);
  }

  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    await Promise.race([work, this.#options.clock.sleep(ms, over.signal)]);
    over.abort("over");
  }

  #stop(run: Progress, ending: RunOutcome): void {
    run.ending ??= ending;
    run.stop.abort(new Error(ending.error));
  }

  /** From its beginning until its end is recorded. */
  async #live(routine: Routine, run: OwnRun, progress: Progress): Promise<void> {
    const log = this.#log.with({ routine: routine.id, run: run.id });
    log.debug(`${routine.id} starts`);
    const { clock, observer } = this.#options;
    const began = clock.monotonic();
    const work = () => this.#perform(routine, run, progress);
    const outcome = await (observer?.perform?.(routine, run, work) ?? work());
    const ms = clock.monotonic() - began;
    observer?.ended?.(routine, outcome.status, ms);
    const seconds = (ms / 1000).toFixed(1);
    if (outcome.status === "succeeded") log.debug(`${routine.id} succeeded after ${seconds} s`);
    else log.warn(`${routine.id} ${WORDS[outcome.status]} after ${seconds} s: ${outcome.error}`);
    const answer = await this.#record(run.id, outcome);
    if (!answer) return;
    if (answer.recorded) return this.#options.onEnd(routine, outcome, answer);
    log.error(
      `${routine.id} ${WORDS[outcome.status]}, but the run was not this worker's any more (${answer.status})`,
    );
  }

  /** The action, until it settles or has been stopped and does not heed that. */
  async #perform(routine: Routine, run: OwnRun, progress: Progress): Promise<RunOutcome> {
    const { clock, actions } = this.#options;
    const { signal } = progress.stop;
    const over = new AbortController();
    void clock.sleep(routine.timeoutSeconds * 1000, over.signal).then(() => {
      if (over.signal.aborted) return;
      this.#stop(progress, { status: "timed_out", error: `its ${routine.timeoutSeconds} s were up` });
    });
    const action = actions[routine.action.kind] as RunAction | undefined;
    const working = Promise.resolve().then(() => {
      if (!action) throw new Error(`this worker does no ${routine.action.kind} actions`);
      return action(routine as Parameters<RunAction>[0], {
        id: run.id,
        dueAt: new Date(run.dueAt),
        signal,
        log: this.#log.with({ routine: routine.id, run: run.id }),
      });
    }).then(
      (result): RunOutcome => ({ status: "succeeded", result: keptResult(result) }),
      (error): RunOutcome => progress.ending ?? { status: "failed", error: messageOf(error) },
    );
    const deaf = aborted(signal).then(() => clock.sleep(DEAF_MS, over.signal)).then((): RunOutcome => ({
      ...progress.ending!,
      error: `${progress.ending!.error}, and it did not stop within ${DEAF_MS / 1000} s`,
    }));
    try {
      return await Promise.race([working, deaf]);
    } finally {
      over.abort("over");
      // Ends the wait for an abort that will not come; nobody looks at the signal any more.
      progress.ending ??= { status: "cancelled", error: "over" };
      progress.stop.abort("over");
    }
  }

  /** Tells the database until it has heard; undefined when the worker stops before. */
  async #record(runId: string, outcome: RunOutcome): Promise<EndAnswer | undefined> {
    const { clock, record } = this.#options;
    for (let failures = 1; !this.#giveUp.signal.aborted; failures++) {
      try {
        return await record(runId, outcome);
      } catch (error) {
        if (failures === 1) {
          this.#log.warn(`Cannot record the end of run ${runId}, trying again: ${messageOf(error)}`);
        }
        await clock.sleep(backoffDelay(failures, RECORD), this.#giveUp.signal);
      }
    }
  }
}

const WORDS: Record<RunEnd, string> = {
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "ran out of time",
  cancelled: "was cancelled",
};

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_ERROR);
}

/** The result as JSON, unless it is none or too large to keep. */
function keptResult(result: unknown): unknown {
  try {
    const text = JSON.stringify(result);
    if (text === undefined) return null;
    return text.length > MAX_RESULT ? { left_out: `${text.length} characters of result` } : JSON.parse(text);
  } catch (error) {
    return { left_out: `the result is no JSON: ${messageOf(error)}` };
  }
}
