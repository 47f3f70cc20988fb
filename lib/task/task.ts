/**
 * The words everything speaks: what a task is, what can become of it, who does it and where it comes from.
 * No I/O lives here.
 */
import type { Logger } from "@logtape/logtape";
import type { ZodType } from "zod";
import type { Exception, Exceptions } from "./exception.ts";

/** One unit of work as a worker holds it after claiming it. Times are ISO 8601 strings in UTC. */
export interface Task {
  readonly id: string;
  /** Routes the task to its executor, e.g. `ffmpeg_process`. */
  readonly type: string;
  /** What the enqueuer gave; validated by the executor's schema before it runs. */
  readonly input: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Higher runs first. */
  readonly priority: number;
  /**
   * Fencing token: grows with every claim of the task; only the holder of the current one may heartbeat or
   * settle it. A decimal string, since a bigint does not fit a JSON number.
   */
  readonly token: string;
  /** Hard limit for one attempt, in ms. */
  readonly timeoutMs: number;
  /** How long the claim lasts without a heartbeat, in ms; undefined where the queue knows no lease. */
  readonly leaseMs?: number;
  readonly createdAt: string;
  readonly executionId?: string;
  readonly stepId?: string;
  readonly deadline?: string;
}

/** How far a running task is. Every field is optional: report what is known. */
export interface Progress {
  /** 0 to 100. */
  readonly percent?: number;
  /** What is being done, for people. */
  readonly message?: string;
  readonly remainingSeconds?: number;
}

/** What became of one attempt. `retry: false` says that another attempt could not help. */
export type Outcome =
  | { readonly kind: "done"; readonly output: unknown }
  | {
    readonly kind: "failed";
    readonly error: string;
    readonly retry: boolean;
    readonly logTail?: string;
    /** Of the task's program, where one failed. */
    readonly exitCode?: number;
  }
  | { readonly kind: "cancelled"; readonly reason?: string }
  | { readonly kind: "timedOut"; readonly error: string; readonly logTail?: string }
  /** `delayMs`: not worth claiming again before; for queues that cannot know better. */
  | { readonly kind: "released"; readonly reason: string; readonly delayMs?: number };

/** An attempt's outcome on its way back to the queue. */
export interface Settlement {
  readonly task: Pick<Task, "id" | "token" | "type" | "attempt">;
  readonly outcome: Outcome;
  /** How long the attempt ran, in ms. */
  readonly durationMs: number;
}

/** What the queue says to a settlement: taken (now or before), or refused because the claim had passed on. */
export type SettleAnswer = "settled" | "lost";

/** What the queue says to a heartbeat: go on, stop and report cancelled, or stop at once: another may hold it. */
export type HeartbeatAnswer = "ok" | "cancel" | "lost";

/** One task's sign of life. */
export interface Heartbeat {
  readonly task: Pick<Task, "id" | "token">;
  readonly progress?: Progress;
}

/** A hint that arrives without being asked for: there may be work, or one task should stop. */
export type Wake = { readonly kind: "pending" } | { readonly kind: "cancel"; readonly taskId: string };

/** A queue that tasks are claimed from. Everything may throw a {@link SourceError}; nothing is retried inside. */
export interface TaskSource {
  readonly name: string;
  /**
   * Claims at most `room` due tasks of these types. `rooms`: at most so many of a type, or of all types under a pattern
   * (`safari_*`). `exceptions`: tasks to leave to others.
   */
  claim(
    types: readonly string[],
    room: number,
    signal: AbortSignal,
    rooms?: Readonly<Record<string, number>>,
    exceptions?: Exceptions,
  ): Promise<Task[]>;
  /** How often the queue itself wants to be asked, in ms, in place of what is configured; undefined: as configured. */
  pollMs?(): number | undefined;
  /** Renews the leases of tasks in progress; answers in the order asked. */
  heartbeat(beats: readonly Heartbeat[], signal: AbortSignal): Promise<HeartbeatAnswer[]>;
  /** Reports outcomes; idempotent, so it may be repeated after a doubtful failure. Answers in the order asked. */
  settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<SettleAnswer[]>;
  /** The tasks that this worker still holds in the queue, from before it stopped. */
  held?(signal: AbortSignal): Promise<Task[]>;
  /** Gives all of them back as lost attempts: their fate before the stop is unknown. Returns how many. */
  abandonHeld?(signal: AbortSignal): Promise<number>;
  /** The cheapest call that shows that the queue takes claims again; resolves when it does. */
  ping?(signal: AbortSignal): Promise<void>;
  /** Calls `wake` on hints from the queue until the returned function is called. */
  listen?(wake: (wake: Wake) => void): Promise<() => Promise<void>>;
}

/** Whether an executor can work on this machine now; if not, why and what to do about it. */
export type Availability =
  | {
    readonly available: true;
    readonly version?: string;
    /** What it cannot do here all the same: those tasks are left to other workers. */
    readonly except?: Exception;
  }
  | { readonly available: false; readonly reason: string; readonly fix: string };

/** What an executor is given besides its input. */
export interface ExecutionContext {
  readonly task: Task;
  /**
   * Aborts on cancel, time-out, lost lease and shutdown: stop everything you started, then throw, or return undefined.
   * Any other value counts as the work's result, done in time after all.
   */
  readonly signal: AbortSignal;
  /** A private empty folder (0700) that is removed when the attempt ends. */
  readonly tempDir: string;
  readonly log: Logger;
  /** Tells how far the work is; cheap, may be called often. */
  progress(progress: Progress): void;
  /**
   * Does something that others see or that costs money: only once, and only when a person has agreed to it or the
   * task came from a trusted queue. Call it before expensive preparation with `ask`, and around the act itself.
   * Do not catch what it throws: waiting for a person's word puts the task back into the queue.
   *
   * `work` must throw a {@link TaskError} where it is sure that the act did not happen; after any other error
   * (and `uncertain` ones) it is not tried again until a person says so. Its result, plain JSON, is kept: when an
   * earlier attempt has done the act already, that result is returned and `work` is not called.
   */
  readonly outward: OutwardActs;
}

/** Something that posts, messages or spends, for a person to agree to. */
export interface OutwardAct {
  /** What kind of act, e.g. `post`. */
  readonly kind: string;
  readonly platform?: string;
  readonly account?: string;
  /** One line for people: what will be done, where, with what. */
  readonly summary: string;
  /** Everything a person needs to decide: caption, address of the video and so on; plain JSON, no secrets. */
  readonly preview: Readonly<Record<string, unknown>>;
  /** A person is asked also where the task came from a trusted queue. */
  readonly alwaysAsk?: boolean;
}

/** The gate that outward acts go through; see {@link ExecutionContext.outward}. */
export interface OutwardActs {
  /** Resolves when the act may be done; cheap to ask again. */
  ask(act: OutwardAct): Promise<void>;
  /** Asks, then does it once. */
  perform<T>(act: OutwardAct, work: () => Promise<T>): Promise<T>;
}

/** Does the tasks of one type. */
export interface Executor<Input = unknown, Output = unknown> {
  readonly type: string;
  readonly description: string;
  readonly input: ZodType<Input>;
  /** Asks the machine, cheaply; called at start and again while the worker runs. */
  check(): Promise<Availability>;
  /** Says in a few lines what {@link run} would do with this input, without doing any of it; for dry runs. */
  plan?(input: Input): Promise<readonly string[]>;
  /** @throws {@link TaskError} to say whether a retry could help; any other error is retried. */
  run(input: Input, context: ExecutionContext): Promise<Output>;
}

/** Types an executor's literal; the input's type comes from its schema. */
export function defineExecutor<Input, Output>(executor: Executor<Input, Output>): Executor<Input, Output> {
  return executor;
}

/**
 * A task failed for a reason that its own attempt knows. `retry: false` means that trying again cannot help;
 * `uncertain` that an outward act may have happened or not.
 */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly retry: boolean;
  readonly uncertain: boolean;
  /** The last lines of what the task's program printed, bounded. */
  readonly logTail?: string;
  /** Of the task's program, where one failed. */
  readonly exitCode?: number;
  constructor(
    message: string,
    options: { retry: boolean; uncertain?: boolean; logTail?: string; exitCode?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.retry = options.retry;
    this.uncertain = options.uncertain ?? false;
    this.logTail = options.logTail;
    this.exitCode = options.exitCode;
  }
}

/** Thrown by an executor: the task goes back to its queue, and the attempt does not count. */
export class ReleaseError extends Error {
  override readonly name = "ReleaseError";
  /** Not worth claiming again before, in ms; for queues that cannot know better. */
  readonly delayMs?: number;
  constructor(message: string, options: { delayMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.delayMs = options.delayMs;
  }
}

/** A queue or its database did not do what was asked. `transient` means that asking again later may work. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly transient: boolean;
  constructor(message: string, options: { transient: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.transient = options.transient;
  }
}
