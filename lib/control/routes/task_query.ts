/** What people and programs ask about tasks, as the database's functions take it. Pure. */
import type { z } from "zod";
import { ApiError } from "../api_error.ts";
import { quote } from "../openapi/fields.ts";
import { newTask, type taskListQuery } from "./task_schemas.ts";

/** How many tasks one request may put in. */
export const MAX_BATCH = 1000;
const DEAD = ["failed", "timed_out"];

/** The arguments of `actp_search_tasks`. */
export function listArguments(query: z.output<typeof taskListQuery>): Record<string, unknown> {
  const { status = [], type = [], dead, limit } = query;
  const statuses = dead ? DEAD.filter((each) => status.length === 0 || status.includes(each)) : status;
  const args = {
    p_status: dead || statuses.length > 0 ? statuses : undefined,
    p_types: type.length > 0 ? type : undefined,
    p_execution_id: query.execution_id,
    p_query: query.q,
    p_worker: query.worker,
    p_since: query.since,
    p_until: query.until,
    p_cursor: query.cursor,
    p_limit: limit,
  };
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined && value !== ""));
}

/**
 * One task, a list, or {tasks: […]}, as `actp_enqueue_tasks` takes it. Values are checked by the database; a misspelt
 * field would pass there unseen.
 * @throws {@link ApiError} 400 naming the field
 */
export function tasksToEnqueue(body: unknown): readonly unknown[] {
  const tasks = batchOf(body);
  if (tasks.length > MAX_BATCH) {
    throw bad(`${tasks.length} tasks are more than ${MAX_BATCH}; send several batches`);
  }
  const known = Object.keys(newTask.shape);
  for (const [index, task] of tasks.entries()) {
    if (typeof task !== "object" || task === null || Array.isArray(task)) {
      throw bad(`task ${index + 1} is not an object`);
    }
    const odd = Object.keys(task).find((field) => !known.includes(field));
    if (odd !== undefined) {
      throw bad(`task ${index + 1}: ${quote(odd)} is not a field; there are ${known.join(", ")}`);
    }
  }
  return tasks;
}

function batchOf(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  if (typeof body !== "object" || body === null || Object.keys(body).length === 0) {
    throw bad("The body must be a task, a list of tasks, or {tasks: [...]}");
  }
  if (!("tasks" in body)) return [body];
  if (Object.keys(body).length === 1 && Array.isArray(body.tasks)) return body.tasks;
  throw bad("tasks must be a list, and the body's only field");
}

function bad(message: string): ApiError {
  return new ApiError(400, "bad_request", message);
}
