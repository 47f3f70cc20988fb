/** The words of the scheduler: what fires, when, and what then happens. No I/O lives here. */
import type { Logger } from "@logtape/logtape";

/** When a routine is due. */
export type Schedule = CronSchedule | IntervalSchedule | OnceSchedule;

/** At the times of a cron expression: 5 or 6 fields (seconds first), names, `L`, `W`, `#`, or a macro like `@daily`. */
export interface CronSchedule {
  readonly cron: string;
  /** An IANA name, e.g. `Europe/Berlin`; the scheduler's own zone unless told. */
  readonly timeZone?: string;
}

/** Every so many seconds, counted from the anchor, whatever clocks on walls show. */
export interface IntervalSchedule {
  readonly everySeconds: number;
  /** ISO 8601 with its offset; the time when the routine was first known unless told, which the database keeps. */
  readonly anchor?: string;
}

/** Once. */
export interface OnceSchedule {
  /** ISO 8601 with its offset. */
  readonly at: string;
}

/** What a routine does: puts a goal before an agent, a task into the queue, or runs a heartbeat action. */
export type RoutineAction =
  | { readonly kind: "goal"; readonly agent: string; readonly goal: string }
  | {
    readonly kind: "task";
    readonly task_type: string;
    readonly input: Readonly<Record<string, unknown>>;
  }
  | {
    readonly kind: "heartbeat";
    readonly action: string;
    readonly options: Readonly<Record<string, unknown>>;
  };

/** Which kinds of actions there are. */
export type ActionKind = RoutineAction["kind"];

/** What becomes of the latest run that was missed (the machine slept, no worker ran): nothing, or one late run. */
export type MissedPolicy = "skip" | "once";

/** What becomes of a run that is due while the last one is still running: left out, held until its end, or it ends that one. */
export type OverlapPolicy = "skip" | "queue" | "cancel";

/** Something that happens by itself at set times, on one of the workers that know it. */
export interface Routine {
  /** The same on all workers of a database, e.g. `content.daily-pipeline`. */
  readonly id: string;
  readonly description: string;
  readonly schedule: Schedule;
  readonly action: RoutineAction;
  readonly missed: MissedPolicy;
  /** A missed run is made up for at most so many seconds after its time. */
  readonly missedWindowSeconds: number;
  readonly overlap: OverlapPolicy;
  /** After so many seconds a run is cancelled. */
  readonly timeoutSeconds: number;
  /** After so many failures in a row it is switched off. */
  readonly maxFailures: number;
  /** As configured; a person's `schedule enable` or `disable`, and too many failures, go before it. */
  readonly enabled: boolean;
}

/** One run, as its action sees it. */
export interface RunContext {
  /** Names the run everywhere; of use as an idempotency key. */
  readonly id: string;
  /** The time for which it was due; it may start later. */
  readonly dueAt: Date;
  /** Aborts when the run's time is up, it is cancelled, or the worker stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Does what routines of one kind ask for. What it returns (JSON) is kept with the run.
 * @throws an Error, which makes the run a failure; its message is kept, so it holds no secrets
 */
export type RunAction<K extends ActionKind = ActionKind> = (
  routine: Routine & { readonly action: Extract<RoutineAction, { kind: K }> },
  run: RunContext,
) => Promise<unknown>;

/** How each kind of action is done; a routine of a kind that is missing here is refused. */
export type Actions = { readonly [K in ActionKind]?: RunAction<K> };

/** What a routine is unless told otherwise. */
export const ROUTINE_DEFAULTS = {
  missed: "once",
  missedWindowSeconds: 14_400,
  overlap: "skip",
  timeoutSeconds: 3600,
  maxFailures: 5,
  enabled: true,
} as const satisfies Partial<Routine>;
