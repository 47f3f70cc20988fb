/** The action of routines that put a task into the queue. */
import type { Database } from "../database/database.ts";
import type { RunAction } from "./routine.ts";

/** Enqueues the routine's task, once for each run. Its result names the task. */
export function taskAction(database: Database): RunAction<"task"> {
  return async ({ action }, { id, signal }) => {
    const tasks = [{
      task_type: action.task_type,
      input_data: action.input,
      idempotency_key: `routine run ${id}`,
    }];
    const [task] = await database.call<{ id: string }[]>("actp_enqueue_tasks", { p_tasks: tasks }, {
      signal,
    });
    return { task_id: task!.id };
  };
}
