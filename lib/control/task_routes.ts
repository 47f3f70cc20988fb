/** Tasks and workers, for people and programs, on any of the databases. */
import { Hono } from "hono";
import type { Database } from "../database/database.ts";
import { withApprovals } from "../outward/awaiting.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";
import type { ControlledWorker } from "./health.ts";
import { listArguments, taskId, tasksToEnqueue } from "./task_query.ts";

interface TaskRow {
  readonly id: string;
  readonly status: string;
  readonly run_at: string;
  readonly [field: string]: unknown;
}

interface TaskPage {
  readonly tasks: readonly TaskRow[];
  readonly next_cursor: string | null;
}

/**
 * `/tasks…` and `GET /workers`. Lists leave out inputs and outputs, which may be large; `GET /tasks/:id` has them. What
 * waits for a person's word has it as `approval`.
 */
export function taskRoutes(database: Database, worker: ControlledWorker): Hono {
  return new Hono()
    .get("/tasks", async (c) => {
      const page = await database.call<TaskPage>(
        "actp_list_tasks",
        listArguments(new URL(c.req.url).searchParams),
      );
      const tasks = (await withApprovals(database, page.tasks)).map((
        { input_data: _input, output_data: _output, ...task },
      ) => task);
      return c.json({ tasks, next_cursor: page.next_cursor });
    })
    .post("/tasks", async (c) => {
      const p_tasks = tasksToEnqueue(await readJson(c.req.raw));
      const enqueued = await database.call<unknown>("actp_enqueue_tasks", { p_tasks });
      worker.wake();
      return c.json(enqueued, 201);
    })
    .get("/tasks/:id", async (c) => {
      const p_task_id = taskId(c.req.param("id"));
      const [task] = await withApprovals(database, [
        await database.call<TaskRow>("actp_get_task", { p_task_id }),
      ]);
      return c.json(task);
    })
    .post("/tasks/:id/cancel", async (c) => {
      const p_task_id = taskId(c.req.param("id"));
      const { reason } = asObject(await readJson(c.req.raw));
      if (reason !== undefined && (typeof reason !== "string" || reason.length > 1000)) {
        throw new ApiError(400, "bad_request", "reason must be a string of at most 1000 characters");
      }
      return c.json(await database.call<unknown>("actp_cancel_task", { p_task_id, p_reason: reason }));
    })
    .post("/tasks/:id/retry", async (c) => {
      const task = await database.call<unknown>("actp_retry_task", { p_task_id: taskId(c.req.param("id")) });
      worker.wake();
      return c.json(task);
    })
    .get("/workers", async (c) => c.json(await database.call<unknown>("actp_list_workers")));
}
