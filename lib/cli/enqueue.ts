/** `enqueue`: puts a task into the queue, and waits for it if asked to. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import {
  type CliContext,
  type GlobalOptions,
  readConfig,
  readJsonArgument,
  withDatabase,
} from "./context.ts";
import { batchTasks, enqueueBatches, type Enqueued, followBatch } from "./enqueue_batch.ts";
import { EXIT, ExitError } from "./exit.ts";
import { followTask } from "./follow.ts";
import { isSettled, progressLine, resultText, statusText } from "./task_view.ts";

interface EnqueueOptions extends GlobalOptions {
  readonly input?: string;
  readonly priority?: number;
  readonly reward?: string;
  readonly currency?: string;
  readonly deadline?: string;
  readonly runAt?: string;
  readonly maxAttempts?: number;
  readonly backoffSeconds?: number;
  readonly timeoutMinutes?: number;
  readonly idempotencyKey?: string;
  readonly wait?: boolean;
  readonly waitSeconds?: number;
}

/** Adds the command. */
export function addEnqueue(program: Command, context: CliContext): void {
  program.command("enqueue <type>")
    .description("put a task into the queue")
    .option(
      "-i, --input <json>",
      "the task's input: JSON, @file, or - for standard input; a list of inputs is a task for each",
      "{}",
    )
    .option("--priority <n>", "higher runs first", integer("--priority"))
    .option("--run-at <when>", "not before this time: ISO 8601, or +10s, +5m, +2h, +1d")
    .option("--max-attempts <n>", "how often it is tried at the most (3)", integer("--max-attempts"))
    .option(
      "--backoff-seconds <n>",
      "the wait before the first retry; it doubles (5)",
      integer("--backoff-seconds"),
    )
    .option("--timeout-minutes <n>", "the hard limit of one attempt (30)", integer("--timeout-minutes"))
    .option("--reward <amount>", "what its success earns, e.g. 12.50")
    .option("--currency <code>", "of the reward, e.g. USD")
    .option("--deadline <when>", "when it has to be done: ISO 8601, or +2h, +1d")
    .option("--idempotency-key <key>", "the same key makes the same task only once")
    .option("-w, --wait", "show its progress and wait for its end; exit 1 unless it succeeds")
    .option("--wait-seconds <n>", "wait at most so long", integer("--wait-seconds"))
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker enqueue ffmpeg_process --input '{"operation":"probe","input":"clip.mp4"}' --wait
  $ actp-worker enqueue report --input @report.json --run-at +10m --idempotency-key report-2026-11-20
  $ actp-worker enqueue transcode --input @clips.json --wait   # a list: one task for each entry`,
    )
    .action((type: string, _options: EnqueueOptions, command: Command) =>
      enqueue(context, type, command.optsWithGlobals<EnqueueOptions>())
    );
}

async function enqueue(context: CliContext, type: string, options: EnqueueOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const given = await readJsonArgument(context, "--input", options.input ?? "{}");
  const inputs = Array.isArray(given) ? given : [given];
  if (!Array.isArray(given) && (given === null || typeof given !== "object")) {
    throw new ExitError(EXIT.usage, "--input must be a JSON object, or a list of them");
  }
  const common = {
    task_type: type,
    priority: options.priority,
    run_at: options.runAt === undefined ? undefined : dueTime(options.runAt, Date.now()),
    max_attempts: options.maxAttempts,
    backoff_seconds: options.backoffSeconds,
    timeout_minutes: options.timeoutMinutes,
    reward: options.reward,
    currency: options.currency,
    deadline: options.deadline === undefined
      ? undefined
      : dueTime(options.deadline, Date.now(), "--deadline"),
  };
  const tasks = Array.isArray(given)
    ? batchTasks(inputs, { ...common, idempotency_key: options.idempotencyKey }, config.maxInputBytes)
    : [oneTask(given, { ...common, idempotency_key: options.idempotencyKey }, config.maxInputBytes)];
  await withDatabase(config, async (database) => {
    const workers = await database.call<Offer[]>("actp_list_workers");
    const made = await enqueueBatches(tasks, (batch) => put(database, batch), terminal);
    if (!isOffered(type, workers)) {
      terminal.err(`no living worker offers ${type} now: the task waits for one`);
    }
    if (!options.wait) {
      if (options.json) terminal.out(JSON.stringify(Array.isArray(given) ? made : made[0]));
      else for (const { id } of made) terminal.out(id);
      const known = made.filter(({ created }) => !created).length;
      if (known > 0 && made.length === 1) {
        terminal.err("a task with this idempotency key exists; nothing was added");
      } else if (known > 0) {
        terminal.err(`${known} of ${made.length} tasks were there already, by their keys`);
      }
      return;
    }
    const signal = options.waitSeconds === undefined
      ? new AbortController().signal
      : AbortSignal.timeout(options.waitSeconds * 1000);
    if (Array.isArray(given)) {
      const ids = made.map(({ id }) => id);
      return await followBatch(database, ids, { terminal, json: options.json, signal });
    }
    const [{ id }] = made;
    const task = await followTask(database, id, (now) => terminal.status(progressLine(now)), {
      clock: systemClock,
      signal,
    });
    terminal.endStatus();
    if (options.json) terminal.out(JSON.stringify(task));
    else if (task.status === "succeeded") terminal.out(JSON.stringify(task.output_data, null, 2));
    if (!isSettled(task)) {
      throw new ExitError(
        EXIT.failed,
        `Task ${id} is still ${task.status} after ${options.waitSeconds} s; it goes on.`,
      );
    }
    if (task.status !== "succeeded") {
      throw new ExitError(
        EXIT.failed,
        `Task ${id} ${statusText(terminal, task.status)}: ${resultText(task, 2000)}`,
      );
    }
  });
}

/** A worker of `actp_list_workers`. */
interface Offer {
  readonly status: string;
  readonly capabilities: readonly string[];
}

/** Whether a living worker does the type, or does not say what it does. */
export function isOffered(type: string, workers: readonly Offer[]): boolean {
  return workers.some(({ status, capabilities }) =>
    status !== "dead" && status !== "offline" && (capabilities.length === 0 || capabilities.includes(type))
  );
}

/** @throws ExitError 2 where it is too large */
function oneTask(input: unknown, common: Record<string, unknown>, maxInputBytes: number) {
  const bytes = new TextEncoder().encode(JSON.stringify(input)).length;
  if (bytes <= maxInputBytes) return { ...common, input_data: input };
  throw new ExitError(
    EXIT.usage,
    `--input is ${bytes} bytes, more than ${maxInputBytes} (TASK_MAX_INPUT_BYTES)`,
  );
}

async function put(database: Database, tasks: readonly Record<string, unknown>[]): Promise<Enqueued[]> {
  try {
    return await database.call<Enqueued[]>("actp_enqueue_tasks", { p_tasks: tasks });
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== "22P05") throw error;
    const why = "the task contains a NUL character (\\u0000), which PostgreSQL cannot store";
    throw new ExitError(EXIT.usage, why, { cause: error });
  }
}

/** `+10s` or an ISO time as an ISO time. @throws ExitError 2 */
export function dueTime(text: string, nowMs: number, option = "--run-at"): string {
  const relative = /^\+(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const ms = relative
    ? nowMs + Number(relative[1]) * units[relative[2] as keyof typeof units]
    : /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(text)
    : NaN;
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) {
    throw new ExitError(
      EXIT.usage,
      `${option} "${text}" is neither ISO 8601 (2026-11-20T18:00:00Z) nor like +10s, +5m, +2h, +1d`,
    );
  }
  return new Date(ms).toISOString();
}

/** Parses a whole number for commander. @throws ExitError 2 */
export function integer(option: string): (text: string) => number {
  return (text) => {
    if (!/^-?\d{1,9}$/.test(text)) {
      throw new ExitError(EXIT.usage, `${option} "${text}" is not a whole number`);
    }
    return Number(text);
  };
}
