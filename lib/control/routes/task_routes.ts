/** Tasks, for people and programs, on any of the databases. */
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import type { ControlledWorker } from "../health.ts";
import { briefly } from "../limits/briefly.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";
import { listArguments, MAX_BATCH, tasksToEnqueue } from "./task_query.ts";
import {
  cancellation,
  newTask,
  statsQuery,
  task,
  taskDetail,
  taskLine,
  taskListQuery,
  taskPath,
  taskQuery,
  taskStats,
} from "./task_schemas.ts";
import type { TaskWaits } from "./task_waits.ts";

const tag = "tasks";
/** Checked by `tasksToEnqueue` and the database, which say better what is wrong than a choice of schemas can. */
const batch = z.unknown().meta({
  id: "NewTasks",
  anyOf: [
    { $ref: "#/components/schemas/NewTask" },
    { type: "array", items: { $ref: "#/components/schemas/NewTask" }, maxItems: MAX_BATCH },
    {
      type: "object",
      properties: {
        tasks: { type: "array", items: { $ref: "#/components/schemas/NewTask" }, maxItems: MAX_BATCH },
      },
      required: ["tasks"],
      additionalProperties: false,
    },
  ],
  example: {
    task_type: "ffmpeg_process",
    input_data: { operation: "probe", input: "clip.mp4" },
    priority: 5,
  },
});

const SETTLED = ["succeeded", "failed", "timed_out", "cancelled"];
const WINDOWS = { hour: { seconds: 3600, bucket: 60 }, day: { seconds: 86_400, bucket: 900 } };
/** How long figures are told again before they are counted anew. */
const STATS_MS = 5_000;

/** What the routes need. */
export interface TaskRoutesOptions {
  readonly database: Database;
  readonly worker: ControlledWorker;
  readonly clock: Clock;
  readonly waits: TaskWaits;
}

/** `/tasks…`. Lists leave out inputs and outputs, which may be large; `GET /tasks/{id}` has them. */
export function taskRoutes({ database, worker, clock, waits }: TaskRoutesOptions): ApiRoutes {
  const app = apiRoutes();
  app.openAPIRegistry.register("NewTask", newTask);
  addRoute(app, {
    method: "get",
    path: "/tasks",
    tag,
    summary: "List tasks, newest first",
    description:
      "Where few of many tasks match, a page may be short or empty and yet have a next_cursor: go on with that.",
    query: taskListQuery,
    answer: {
      description: "A page",
      schema: z.object({ tasks: z.array(taskLine), next_cursor: z.string().nullable() }),
    },
  }, ({ query }) => {
    return database.call<unknown>("actp_search_tasks", listArguments(query));
  });
  addRoute(app, {
    method: "post",
    path: "/tasks",
    tag,
    summary: "Put in one task or many",
    description: `One task, a list, or {tasks: [...]}; at most ${MAX_BATCH}. All of them or none.`,
    body: batch,
    answer: {
      status: 201,
      description: "The tasks in the same order; `created` is false where its idempotency_key was known",
      schema: z.array(z.object({ id: z.string(), created: z.boolean() })).meta({
        example: [{ id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001", created: true }],
      }),
    },
    errors: [409],
  }, async ({ body }) => {
    const enqueued = await database.call<unknown>("actp_enqueue_tasks", { p_tasks: tasksToEnqueue(body) });
    worker.wake();
    return enqueued;
  });
  const stats = briefly(
    clock,
    STATS_MS,
    (window: keyof typeof WINDOWS) =>
      database.call<Record<string, unknown>>("actp_task_stats", {
        p_window_seconds: WINDOWS[window].seconds,
        p_bucket_seconds: WINDOWS[window].bucket,
      }),
  );
  // Before `/tasks/{id}`: "stats" is not an id.
  addRoute(app, {
    method: "get",
    path: "/tasks/stats",
    tag,
    summary: "What is in the queue, and what was settled in the last hour or day",
    description: "May be 5 s old. Waiting and running times are those of a sample of the tasks.",
    query: statsQuery,
    answer: { description: "The figures", schema: taskStats },
  }, async ({ query: { window } }) => ({
    window,
    bucket_seconds: WINDOWS[window].bucket,
    ...await stats(window),
  }));
  addRoute(app, {
    method: "get",
    path: "/tasks/{id}",
    tag,
    summary: "A task with its attempts; with `wait`, as soon as it is settled",
    params: taskPath,
    query: taskQuery,
    answer: { description: "The task, as it is by then", schema: taskDetail },
    errors: [404],
  }, async ({ params, query, context }) => {
    const get = () => database.call<{ status: string }>("actp_get_task", { p_task_id: params.id });
    const task = await get();
    if (query.wait === 0 || SETTLED.includes(task.status)) return task;
    await waits.wait(params.id, query.wait * 1000, context.req.raw.signal);
    return await get();
  });
  addRoute(app, {
    method: "get",
    path: "/tasks/{id}/log",
    tag,
    summary: "What was logged of a task, the newest 200 lines, oldest first",
    params: taskPath,
    answer: {
      description: "The lines",
      schema: z.object({ lines: z.array(z.string()) }).meta({
        id: "TaskLog",
        example: { lines: ["2026-11-20T18:00:04.120Z INFO frame 240 of 600", "attempt 1: exit code 1"] },
      }),
    },
    errors: [404],
  }, ({ params }) => database.call<unknown>("actp_task_log", { p_task_id: params.id }));
  addRoute(app, {
    method: "post",
    path: "/tasks/{id}/cancel",
    tag,
    summary: "Cancel a task: at once when it waits; when it runs, its worker is told",
    params: taskPath,
    body: cancellation,
    answer: { description: "The task; one that is settled stays as it is", schema: task },
    errors: [404],
  }, async ({ params, body: { reason, deadline_seconds } }) => {
    const args = { p_task_id: params.id, ...(reason != null && { p_reason: reason }) };
    const cancelled = deadline_seconds == null
      ? await database.call<unknown>("actp_cancel_task", args)
      : await database.call<unknown>("actp_cancel_task_within", { ...args, p_seconds: deadline_seconds });
    waits.wake();
    return cancelled;
  });
  addRoute(app, {
    method: "post",
    path: "/tasks/{id}/retry",
    tag,
    summary: "Put a failed, timed-out or cancelled task back into the queue, with all its attempts to come",
    params: taskPath,
    answer: { description: "The task", schema: task },
    errors: [404, 409],
  }, async ({ params }) => {
    const retried = await database.call<unknown>("actp_retry_task", { p_task_id: params.id });
    worker.wake();
    return retried;
  });
  return app;
}
