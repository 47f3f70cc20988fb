/** The action of routines that put a goal before an agent. */
import type { Database } from "../database/database.ts";
import type { RunAction } from "./routine.ts";

/** Enqueues the goal, once for each run, for whichever worker runs the agent. Its result names the agent's task. */
export function goalAction(database: Database): RunAction<"goal"> {
  return async ({ id, action }, { id: runId, dueAt, signal }) => {
    const goal = {
      agent_type: action.agent,
      goal: action.goal,
      context: { routine: id, due_at: dueAt.toISOString() },
      source: `routine ${id}`,
      idempotency_key: `routine run ${runId}`,
    };
    const args = { p_task: goal };
    const task = await database.call<{ id: string }>("actp_enqueue_agent_task", args, { signal });
    return { agent_task_id: task.id };
  };
}
