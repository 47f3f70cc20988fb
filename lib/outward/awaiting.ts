/** Which tasks wait for a person's word, for whoever shows them. */
import type { Database } from "../database/database.ts";

/** The act that a task waits for. `expires_at` is ISO 8601. */
export interface AwaitedApproval {
  readonly id: string;
  readonly summary: string;
  readonly expires_at: string;
}

/** A task with what it waits for, if it does. */
export type WithApproval<T> = T & { readonly approval?: AwaitedApproval };

/** What has to be known of a task. */
interface Waiting {
  readonly id: string;
  readonly status: string;
  readonly run_at: string;
}

/** Adds it to the tasks that wait for one; the database is asked only where a task is pending. @throws DatabaseError */
export async function withApprovals<T extends Waiting>(
  database: Pick<Database, "call">,
  tasks: readonly T[],
): Promise<WithApproval<T>[]> {
  const pending = tasks.filter(({ status }) => status === "pending").map(({ id }) => id);
  if (pending.length === 0) return [...tasks];
  const awaited = await database.call<Record<string, AwaitedApproval>>("actp_tasks_awaiting_approval", {
    p_task_ids: pending,
  });
  return tasks.map((task) => awaited[task.id] ? { ...task, approval: awaited[task.id] } : task);
}
