/** Many tasks of one type at once: `enqueue TYPE --input @file` where the file holds a list of inputs. */
import { systemClock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { EXIT, ExitError } from "./exit.ts";
import { followTask } from "./follow.ts";
import { isSettled, resultText, type TaskRow } from "./task_view.ts";
import type { Terminal } from "./terminal.ts";

/** How many tasks one command puts in; a longer list is no list of tasks but a mistake. */
export const MAX_TASKS = 100_000;
const BATCH = 1000;

/** A task that was put in, or found by its idempotency key. */
export interface Enqueued {
  readonly id: string;
  readonly created: boolean;
}

/**
 * Each input as a task of its own, alike in everything else. An idempotency key is made one for each: `key-1`, `key-2` …
 * @throws ExitError 2 where something in the list is no input
 */
export function batchTasks(
  inputs: readonly unknown[],
  common: Readonly<Record<string, unknown>>,
  maxInputBytes: number,
): Record<string, unknown>[] {
  if (inputs.length === 0) {
    throw new ExitError(EXIT.usage, "--input is an empty list: there is nothing to put in");
  }
  if (inputs.length > MAX_TASKS) {
    throw new ExitError(EXIT.usage, `--input holds ${inputs.length} inputs, more than ${MAX_TASKS}`);
  }
  return inputs.map((input, index) => {
    const which = `input ${index + 1} of --input`;
    if (input === null || typeof input !== "object" || Array.isArray(input)) {
      throw new ExitError(EXIT.usage, `${which} must be a JSON object`);
    }
    const bytes = new TextEncoder().encode(JSON.stringify(input)).length;
    if (bytes > maxInputBytes) {
      throw new ExitError(
        EXIT.usage,
        `${which} is ${bytes} bytes, more than ${maxInputBytes} (TASK_MAX_INPUT_BYTES)`,
      );
    }
    const key = common.idempotency_key;
    return {
      ...common,
      input_data: input,
      ...(key !== undefined && { idempotency_key: `${key}-${index + 1}` }),
    };
  });
}

/**
 * Puts them in, a thousand at a time; what came of each, in their order.
 * @param put enqueues one batch: all of it or nothing
 */
export async function enqueueBatches(
  tasks: readonly Record<string, unknown>[],
  put: (batch: readonly Record<string, unknown>[]) => Promise<Enqueued[]>,
  terminal: Pick<Terminal, "status" | "endStatus">,
): Promise<Enqueued[]> {
  const made: Enqueued[] = [];
  for (let at = 0; at < tasks.length; at += BATCH) {
    try {
      made.push(...await put(tasks.slice(at, at + BATCH)));
    } catch (error) {
      if (made.length === 0) throw error;
      const rest = `the first ${made.length} of ${tasks.length} tasks are in the queue, the others are not`;
      throw new ExitError(EXIT.failed, `${(error as Error).message}; ${rest}`, { cause: error });
    }
    if (tasks.length > BATCH) terminal.status(`${made.length} of ${tasks.length} put in`);
  }
  terminal.endStatus();
  return made;
}

/**
 * Waits until all are settled, or the signal aborts.
 * @throws ExitError 1 unless all have succeeded
 */
export async function followBatch(
  database: Database,
  ids: readonly string[],
  { terminal, json, signal }: { terminal: Terminal; json?: boolean; signal: AbortSignal },
): Promise<void> {
  const tasks: TaskRow[] = [];
  for (const id of ids) {
    tasks.push(await followTask(database, id, () => {}, { clock: systemClock, signal }));
    terminal.status(`${tasks.filter(isSettled).length} of ${ids.length} are done`);
  }
  terminal.endStatus();
  if (json) terminal.out(JSON.stringify(tasks));
  else {for (const task of tasks) {
      terminal.out(`${task.id}  ${task.status}  ${resultText(task, 200)}`.trimEnd());
    }}
  const succeeded = tasks.filter(({ status }) => status === "succeeded").length;
  if (succeeded < tasks.length) {
    throw new ExitError(EXIT.failed, `${succeeded} of ${tasks.length} tasks have succeeded`);
  }
}
