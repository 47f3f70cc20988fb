/** Handing work to the machines: tasks in the queue, and waiting for what becomes of them. */
import { z } from "zod";
import { type AgentTool, defineTool, type ToolContext } from "../../lib/agent/agent.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { clip, id } from "./fields.ts";

/** A task to enqueue. */
export interface NewTask {
  readonly type: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly timeoutMinutes?: number;
  /** The same key makes no second task. */
  readonly idempotencyKey?: string;
}

/** What is told of a task. */
export interface TaskState {
  readonly task_id: string;
  readonly status: string;
  readonly progress?: unknown;
  readonly output?: unknown;
  readonly error?: string;
}

interface TaskRow {
  readonly status: string;
  readonly progress: unknown;
  readonly output_data: unknown;
  readonly error: string | null;
}

/** How long a tool may wait for a task, in seconds: the model's time is not spent on a long one. */
export const MAX_WAIT_SECONDS = 120;
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 5_000;
const MAX_OUTPUT_CHARACTERS = 20_000;
const OPEN = ["pending", "claimed", "running"];

/** Puts one task into the queue and returns its id. */
export async function enqueueTask(context: ToolContext, task: NewTask): Promise<string> {
  const [row] = await context.database.call<{ id: string }[]>("actp_enqueue_tasks", {
    p_tasks: [{
      task_type: task.type,
      input_data: task.input,
      ...task.timeoutMinutes && { timeout_minutes: task.timeoutMinutes },
      ...task.idempotencyKey && { idempotency_key: task.idempotencyKey },
    }],
  }, { signal: context.signal });
  return row!.id;
}

/** Looks at the task until it is over or the time is up; then the caller has its id to look again. */
export async function waitForTask(
  context: ToolContext,
  taskId: string,
  seconds: number,
  clock: Clock = systemClock,
): Promise<TaskState> {
  const until = clock.monotonic() + Math.min(seconds, MAX_WAIT_SECONDS) * 1_000;
  for (let pauseMs = FIRST_LOOK_MS;; pauseMs = Math.min(pauseMs * 1.5, LAST_LOOK_MS)) {
    const row = await context.database.call<TaskRow>("actp_get_task", { p_task_id: taskId }, {
      signal: context.signal,
    });
    const left = until - clock.monotonic();
    if (!OPEN.includes(row.status) || left <= 0) return stateOf(taskId, row);
    await clock.sleep(Math.min(pauseMs, left), context.signal);
    context.signal.throwIfAborted();
  }
}

/** How long a tool that starts a task waits for it, unless the model says otherwise. */
export const waitSeconds = z.int().min(0).max(MAX_WAIT_SECONDS).default(60)
  .describe("how long to wait for the result; if it takes longer, look again with task_status");

/** The tool `task_status`. */
export function taskStatusTool(clock: Clock = systemClock): AgentTool {
  return defineTool({
    name: "task_status",
    description:
      "Tells how far a task is that another tool has started, by its task_id: status, and output or error when it is " +
      "over. Waits up to wait_seconds for the end. A task that stays pending has no worker that can do it now.",
    input: z.strictObject({ task_id: id, wait_seconds: waitSeconds.default(0) }),
    async run({ task_id, wait_seconds }, context) {
      const state = await waitForTask(context, task_id, wait_seconds, clock);
      return { ...state, ...state.output !== undefined && { output: boundedOutput(state.output) } };
    },
  });
}

/** The output as it is, or the beginning of its JSON where it is long. */
export function boundedOutput(output: unknown): unknown {
  const json = JSON.stringify(output);
  return json.length <= MAX_OUTPUT_CHARACTERS ? output : { beginning: clip(json, MAX_OUTPUT_CHARACTERS) };
}

function stateOf(taskId: string, row: TaskRow): TaskState {
  return {
    task_id: taskId,
    status: row.status,
    ...row.status === "succeeded" && { output: row.output_data },
    ...OPEN.includes(row.status) && row.progress != null && { progress: row.progress },
    ...row.error && { error: clip(row.error, 1_000) },
  };
}
