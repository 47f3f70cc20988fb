/**
 * One attempt, step by step: find the executor → check the input → make a private folder → set the time limit →
 * run → normalise the outcome → remove the folder → journal. Only the journal is retried.
 */
import { backoffDelay } from "../backoff.ts";
import { aborted, type Clock, within } from "../clock.ts";
import { taskLogger } from "../log.ts";
import { ProgramMissingError } from "../process.ts";
import { type Executor, type Outcome, type Progress, type Settlement, TaskError } from "../task/task.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Journal } from "./journal.ts";
import { boundedOutput, checkInput, cleanProgress, cleanText } from "./limits.ts";
import type { RunningTask } from "./running.ts";

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
}

/** How long an executor may take to stop after its signal, beyond the 10 s that a program tree is given. */
const STOP_GRACE_MS = 20_000;
const DIRECT_REPORT_MS = 5000;

/** Runs the attempt to its end; resolves when its outcome is in the journal (or nobody wants it any more). */
export async function runTask(running: RunningTask, options: RunnerOptions): Promise<Outcome> {
  const { task } = running;
  const log = taskLogger(task);
  log.info("started", { maxAttempts: task.maxAttempts, priority: task.priority });
  const outcome = await attempt(running, options, log);
  const durationMs = Math.round(running.elapsedMs);
  if (running.stopReason === "lost" && outcome.kind !== "done") {
    log.warn("stopped without a report: the lease was lost", { durationMs });
    return outcome;
  }
  if (!await record(running, { task, outcome, durationMs }, options)) return outcome;
  const detail = outcome.kind === "failed" || outcome.kind === "timedOut" ? { error: outcome.error } : {};
  log[outcome.kind === "failed" || outcome.kind === "timedOut" ? "warn" : "info"]("settled", {
    outcome: outcome.kind,
    durationMs,
    ...detail,
  });
  return outcome;
}

async function attempt(
  running: RunningTask,
  options: RunnerOptions,
  log: ReturnType<typeof taskLogger>,
): Promise<Outcome> {
  const executor = options.capabilities.executor(running.task.type);
  if (!executor) return { kind: "released", reason: `this worker can no longer do ${running.task.type}` };
  const over = new AbortController();
  let tempDir: string | undefined;
  try {
    const checked = checkInput(executor, running.task.input, options.maxInputBytes);
    if ("problem" in checked) return { kind: "failed", error: checked.problem, retry: false };
    tempDir = await privateFolder(options.tempRoot, running.task.id);
    running.signal.throwIfAborted();
    void options.clock.sleep(running.task.timeoutMs, over.signal).then(() => {
      if (!over.signal.aborted) running.stop("timeout");
    });
    const output = await stoppable(executor, checked.input, running, tempDir, options, log);
    // An executor that was stopped may return as well as throw: nothing is no result then.
    if (output === undefined) running.signal.throwIfAborted();
    return boundedOutput(output, options.maxOutputBytes);
  } catch (error) {
    if (
      !running.stopReason && smellsOfMissingTool(error) && await options.capabilities.isLost(executor.type)
    ) {
      return { kind: "released", reason: cleanText(messageOf(error), 4000) };
    }
    return outcomeOf(error, running);
  } finally {
    over.abort();
    if (tempDir) await removeFolder(tempDir, log);
  }
}

/** An empty folder (0700) of a name that no task can choose; the id in it is for people. */
async function privateFolder(root: string, taskId: string): Promise<string> {
  await Deno.mkdir(root, { recursive: true, mode: 0o700 });
  return await Deno.makeTempDir({ dir: root, prefix: `${taskId.replaceAll(/[^\w-]/g, "_").slice(0, 64)}-` });
}

async function removeFolder(folder: string, log: ReturnType<typeof taskLogger>): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warn(`Cannot remove the task's temp folder ${folder}: ${messageOf(error)}`);
  }
}

/** Runs the executor, but does not wait for ever for one that ignores its signal. */
function stoppable(
  executor: Executor,
  input: unknown,
  running: RunningTask,
  tempDir: string,
  options: RunnerOptions,
  log: ReturnType<typeof taskLogger>,
): Promise<unknown> {
  const settled = new AbortController();
  const run = executor.run(input, {
    task: running.task,
    signal: running.signal,
    tempDir,
    log,
    progress: (progress) => report(running, progress, options, log),
  }).finally(() => settled.abort());
  const ignored = (async () => {
    await aborted(AbortSignal.any([running.signal, settled.signal]));
    await options.clock.sleep(STOP_GRACE_MS, settled.signal);
    if (settled.signal.aborted) return await run;
    log.error(`the executor did not stop within ${STOP_GRACE_MS / 1000} s of being asked`);
    throw running.signal.reason;
  })();
  return Promise.race([run, ignored]);
}

function report(
  running: RunningTask,
  progress: Progress,
  options: RunnerOptions,
  log: ReturnType<typeof taskLogger>,
) {
  const clean = cleanProgress(progress);
  running.progress = { ...running.progress, ...clean };
  running.progressTold = false;
  log.debug("progress", { ...clean });
  options.onProgress(running);
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
      return { kind: "cancelled" };
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
  const retry = error instanceof TaskError ? error.retry : true;
  return { kind: "failed", error: cleanText(messageOf(error), 4000), retry, logTail };
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
  const log = taskLogger(running.task);
  const { clock, giveUp } = options;
  for (let failures = 1;; failures++) {
    try {
      await options.journal.append(running.source.name, settlement);
      return true;
    } catch (error) {
      log.error(messageOf(error));
    }
    try {
      await within(
        clock,
        DIRECT_REPORT_MS,
        undefined,
        (signal) => running.source.settle([settlement], signal),
      );
      return true;
    } catch (error) {
      log.error(messageOf(error));
    }
    if (running.stopReason === "lost" || giveUp.aborted) {
      log.error(
        "neither the journal nor the queue took the outcome: the task is done again when its lease ends",
      );
      return false;
    }
    await clock.sleep(backoffDelay(failures, { firstMs: 1000, maxMs: 60_000 }), giveUp);
  }
}
