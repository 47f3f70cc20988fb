/** What people and programs ask about tasks, checked before the database sees it. Pure. */
import { ApiError } from "./api_error.ts";

const STATUSES = ["pending", "claimed", "running", "succeeded", "failed", "timed_out", "cancelled"];
const PARAMETERS = ["status", "type", "limit", "cursor"];
const MAX_LIMIT = 500;
const FIELDS = [
  "task_type",
  "input_data",
  "priority",
  "run_at",
  "max_attempts",
  "backoff_seconds",
  "timeout_minutes",
  "idempotency_key",
  "execution_id",
  "step_id",
  "reward",
  "currency",
  "deadline",
];

/**
 * The arguments of `actp_list_tasks` for a query string; `status` and `type` may be repeated or comma-separated.
 * @throws {@link ApiError} 400 naming the parameter
 */
export function listArguments(query: URLSearchParams): Record<string, unknown> {
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw bad(`${quote(unknown)} is not a parameter; there are ${PARAMETERS.join(", ")}`);
  }
  const list = (name: string) =>
    query.getAll(name).flatMap((value) => value.split(",")).filter((value) => value !== "");
  const statuses = list("status");
  const odd = statuses.find((status) => !STATUSES.includes(status));
  if (odd !== undefined) throw bad(`status ${quote(odd)} is none of ${STATUSES.join(", ")}`);
  const types = list("type");
  const limit = query.get("limit") ?? "50";
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw bad(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  return {
    ...(statuses.length > 0 ? { p_status: statuses } : {}),
    ...(types.length > 0 ? { p_types: types } : {}),
    p_limit: Number(limit),
    ...(query.get("cursor") ? { p_cursor: query.get("cursor") } : {}),
  };
}

/**
 * One task or a list, as `actp_enqueue_tasks` takes it. Values are checked by the database; a misspelt field would
 * pass there unseen.
 * @throws {@link ApiError} 400 naming the field
 */
export function tasksToEnqueue(body: unknown): readonly unknown[] {
  if (body === undefined) throw bad("The body must be a task or a list of tasks");
  const tasks = Array.isArray(body) ? body : [body];
  for (const [index, task] of tasks.entries()) {
    if (typeof task !== "object" || task === null || Array.isArray(task)) {
      throw bad(`task ${index + 1} is not an object`);
    }
    const odd = Object.keys(task).find((field) => !FIELDS.includes(field));
    if (odd !== undefined) {
      throw bad(`task ${index + 1}: ${quote(odd)} is not a field; there are ${FIELDS.join(", ")}`);
    }
  }
  return tasks;
}

/** @throws {@link ApiError} 400 unless it is a UUID */
export function taskId(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw bad(`${quote(id)} is not a task's id`);
  return id;
}

function bad(message: string): ApiError {
  return new ApiError(400, "bad_request", message);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
