/** Follows a task to its end. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { withApprovals } from "../outward/awaiting.ts";
import { isSettled, type TaskRow } from "./task_view.ts";

const LOOK_EVERY_MS = 250;

/**
 * Calls `show` with every look at the task and returns it when it is settled, or as it stands when the signal aborts.
 * @throws DatabaseError
 */
export async function followTask(
  database: Database,
  id: string,
  show: (task: TaskRow) => void,
  options: { clock: Clock; signal: AbortSignal },
): Promise<TaskRow> {
  while (true) {
    const [task] = await withApprovals(database, [
      await database.call<TaskRow>("actp_get_task", { p_task_id: id }),
    ]) as [TaskRow];
    show(task);
    if (isSettled(task) || options.signal.aborted) return task;
    await options.clock.sleep(LOOK_EVERY_MS, options.signal);
  }
}
