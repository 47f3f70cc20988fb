/**
 * One attempt, step by step: find the executor → check the input → run → normalise the outcome → remove its folder →
 * journal. Only the journal is retried. The time limit is kept by the lease keeper, with one timer for all tasks.
 */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import { type Logger, logger, taskLogger } from "../log.ts";
import { type GateOptions, outwardActs } from "../outward/acts.ts";
import { ProgramMissingError } from "../process.ts";
import {
  type ExecutionContext,
  type Outcome,
  type OutwardActs,
  type Progress,
  ReleaseError,
  type Settlement,
  type Task,
  TaskError,
} from "../task/task.ts";
import { withoutTraceContext } from "../task/trace_context.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Journal } from "./journal.ts";
import { boundedOutput, checkInput, cleanProgress, cleanText } from "./limits.ts";
import type { QueueObserver } from "./observer.ts";
import { type RunningTask, stopError } from "./running.ts";

/** What every attempt needs. Sizes in bytes. */
export interface RunnerOptions {
  readonly capabilities: Capabilities;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Private folders of attempts are made here. */
  readonly tempRoot: string;
  readonly maxInputBytes: number;
  readonly maxOutputBytes: number;
  /** Once aborted, an outcome that neither the journal nor the queue takes is no longer tried again. */
  readonly giveUp: AbortSignal;
  readonly onProgress: (running: RunningTask) => void;
  /** Where outward acts are agreed to and remembered. */
  readonly gate: GateOptions;
  readonly observer?: QueueObserver;
}

/** How long an executor may take to stop after its signal, beyond the 10 s that a program tree is given. */
const STOP_GRACE_MS = 20_000;
const DIRECT_REPORT_MS = 5000;
/** Asked before a record is made: a busy queue that logs warnings only must not pay for the others. */
const LOG = logger("task");

/** Runs the attempt to its end; resolves when its outcome is in the journal (or nobody wants it any more). */
export async function runTask(running: RunningTask, options: RunnerOptions): Promise<Outcome> {
  const { task } = running;
  const { observer } = options;
  const tell = (level: "info" | "warn", message: string, fields: Record<string, unknown>) => {
    if (LOG.isEnabledFor(level === "warn" ? "warning" : "info")) taskLogger(task)[level](message, fields);
  };
  tell("info", "started", { maxAttempts: task.maxAttempts, priority: task.priority });
  const work = () => attempt(running, options);
  const outcome = await (observer?.attempt?.(running, work) ?? work());
  observer?.ended?.(running, outcome);
  const durationMs = Math.round(running.elapsedMs);
  if (running.stopReason === "lost" && outcome.kind !== "done") {
    tell("warn", "stopped without a report: the lease was lost", { durationMs });
    return outcome;
  }
  if (!await record(running, { task, outcome, durationMs }, options)) return outcome;
  const failed = outcome.kind === "failed" || outcome.kind === "timedOut";
  tell(failed ? "warn" : "info", "settled", {
    outcome: outcome.kind,
    durationMs,
    ...(failed && { error: outcome.error }),
  });
  return outcome;
}

async function attempt(running: RunningTask, options: RunnerOptions): Promise<Outcome> {
  const executor = options.capabilities.executor(running.task.type);
  if (!executor || !options.capabilities.takes(running.task)) {
    const which = executor ? `this task of ${running.task.type}` : running.task.type;
    return { kind: "released", reason: `this worker can no longer do ${which} (see its capabilities)` };
  }
  let context: AttemptContext | undefined;
  try {
    const checked = checkInput(executor, withoutTraceContext(running.task.input), options.maxInputBytes);
    if ("problem" in checked) return { kind: "failed", error: checked.problem, retry: false };
    if (running.stopReason) throw stopError(running.stopReason);
    context = new AttemptContext(running, options);
    const output = await stoppable(executor.run(checked.input, context), running, options);
    // An executor that was stopped may return as well as throw: nothing is no result then.
    if (output === undefined && running.stopReason) throw stopError(running.stopReason);
    return boundedOutput(output, options.maxOutputBytes);
  } catch (error) {
    if (
      !running.stopReason && smellsOfMissingTool(error) && await options.capabilities.isLost(running.task)
    ) {
      return { kind: "released", reason: cleanText(messageOf(error), 4000) };
    }
    return outcomeOf(error, running);
  } finally {
    await context?.close();
  }
}

/** What the executor sees. Its folder and its logger are made when they are first asked for: many tasks need neither. */
class AttemptContext implements ExecutionContext {
  readonly task: Task;
  readonly #running: RunningTask;
  readonly #options: RunnerOptions;
  #folder: string | undefined;
  #log: Logger | undefined;
  #outward: OutwardActs | undefined;

  constructor(running: RunningTask, options: RunnerOptions) {
    this.task = running.task;
    this.#running = running;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#running.signal;
  }

  get log(): Logger {
    return this.#log ??= taskLogger(this.task);
  }

  get outward(): OutwardActs {
    return this.#outward ??= outwardActs(
      this.#options.gate,
      this.#running.source.name,
      this.task,
      this.#running.signal,
    );
  }

  /** A folder (0700) of a name that no task can choose; the id in it is for people. */
  get tempDir(): string {
    if (this.#folder === undefined) {
      const { tempRoot } = this.#options;
      Deno.mkdirSync(tempRoot, { recursive: true, mode: 0o700 });
      const prefix = `${this.task.id.replaceAll(/[^\w-]/g, "_").slice(0, 64)}-`;
      this.#folder = Deno.makeTempDirSync({ dir: tempRoot, prefix });
    }
    return this.#folder;
  }

  /** A property, so that executors may take it out of the context. */
  readonly progress = (progress: Progress): void => {
    const clean = cleanProgress(progress);
    const running = this.#running;
    running.progress = { ...running.progress, ...clean };
    running.progressTold = false;
    this.log.debug("progress", { ...clean });
    this.#options.onProgress(running);
  };

  async close(): Promise<void> {
    if (this.#folder === undefined) return;
    try {
      await Deno.remove(this.#folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      this.log.warn(`Cannot remove the task's temp folder ${this.#folder}: ${messageOf(error)}`);
    }
  }
}

/** The run's own end, but no endless wait for an executor that ignores its signal. */
function stoppable(run: Promise<unknown>, running: RunningTask, { clock }: RunnerOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let over: AbortController | undefined;
    let ended = false;
    const end = () => {
      ended = true;
      over?.abort();
    };
    run.then((output) => (end(), resolve(output)), (error) => (end(), reject(error)));
    running.onStop(() => {
      if (ended) return;
      over = new AbortController();
      void clock.sleep(STOP_GRACE_MS, over.signal).then(() => {
        if (ended) return;
        taskLogger(running.task).error(
          `the executor did not stop within ${STOP_GRACE_MS / 1000} s of being asked`,
        );
        reject(running.signal.reason);
      });
    });
  });
}

/** A program that was there at the last check is not there now. */
function smellsOfMissingTool(error: unknown): boolean {
  return error instanceof Error && (error instanceof ProgramMissingError || smellsOfMissingTool(error.cause));
}

/** What an error means, given why the attempt was stopped, if it was. */
export function outcomeOf(error: unknown, running: Pick<RunningTask, "stopReason" | "task">): Outcome {
  const logTail = error instanceof TaskError && error.logTail ? cleanText(error.logTail, 8000) : undefined;
  switch (running.stopReason) {
    case "cancel":
      return {
        kind: "cancelled",
        ...error instanceof TaskError && error.uncertain && { reason: messageOf(error) },
      };
    case "release":
    case "lost":
      return { kind: "released", reason: cleanText(messageOf(error), 4000) };
    case "timeout":
      return {
        kind: "timedOut",
        error: `ran into its time limit of ${running.task.timeoutMs / 1000} s`,
        logTail,
      };
  }
  if (error instanceof ReleaseError) {
    const { delayMs } = error;
    return {
      kind: "released",
      reason: cleanText(messageOf(error), 4000),
      ...delayMs !== undefined && { delayMs },
    };
  }
  const retry = error instanceof TaskError ? error.retry : true;
  const exitCode = error instanceof TaskError ? error.exitCode : undefined;
  return {
    kind: "failed",
    error: cleanText(messageOf(error), 4000),
    retry,
    logTail,
    ...exitCode !== undefined && { exitCode },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/**
 * Journals the outcome; where the disk refuses, tells the queue directly; keeps trying until one of them takes it,
 * the lease is lost or the worker must stop. Says whether it was taken.
 */
async function record(
  running: RunningTask,
  settlement: Settlement,
  options: RunnerOptions,
): Promise<boolean> {
  const { clock, giveUp } = options;
  const complain = (message: string) => taskLogger(running.task).error(message);
  for (let failures = 1;; failures++) {
    try {
      await options.journal.append(running.source.name, settlement);
      return true;
    } catch (error) {
      complain(messageOf(error));
    }
    try {
      const answers = await within(
        clock,
        DIRECT_REPORT_MS,
        undefined,
        (signal) => running.source.settle([settlement], signal),
      );
      options.observer?.settled?.(running.source.name, [settlement], answers);
      return true;
    } catch (error) {
      complain(messageOf(error));
    }
    if (running.stopReason === "lost" || giveUp.aborted) {
      complain(
        "neither the journal nor the queue took the outcome: the task is done again when its lease ends",
      );
      return false;
    }
    await clock.sleep(backoffDelay(failures, { firstMs: 1000, maxMs: 60_000 }), giveUp);
  }
}
