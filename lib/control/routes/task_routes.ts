/** Tasks, for people and programs, on any of the databases. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import type { ControlledWorker } from "../health.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";
import { listArguments, MAX_BATCH, tasksToEnqueue } from "./task_query.ts";
import {
  cancellation,
  newTask,
  task,
  taskDetail,
  taskLine,
  taskListQuery,
  taskPath,
} from "./task_schemas.ts";

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

/** `/tasks…`. Lists leave out inputs and outputs, which may be large; `GET /tasks/{id}` has them. */
export function taskRoutes(database: Database, worker: ControlledWorker): ApiRoutes {
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
  addRoute(app, {
    method: "get",
    path: "/tasks/{id}",
    tag,
    summary: "A task with its attempts",
    params: taskPath,
    answer: { description: "The task", schema: taskDetail },
    errors: [404],
  }, ({ params }) => database.call<unknown>("actp_get_task", { p_task_id: params.id }));
  addRoute(app, {
    method: "post",
    path: "/tasks/{id}/cancel",
    tag,
    summary: "Cancel a task: at once when it waits; when it runs, its worker is told",
    params: taskPath,
    body: cancellation,
    answer: { description: "The task; one that is settled stays as it is", schema: task },
    errors: [404],
  }, ({ params, body: { reason, deadline_seconds } }) => {
    const args = { p_task_id: params.id, ...(reason != null && { p_reason: reason }) };
    return deadline_seconds == null
      ? database.call<unknown>("actp_cancel_task", args)
      : database.call<unknown>("actp_cancel_task_within", { ...args, p_seconds: deadline_seconds });
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
