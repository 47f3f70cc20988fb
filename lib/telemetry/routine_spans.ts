/** A span for each run of a routine. */
import type { RoutineObserver } from "../schedule/run_keeper.ts";
import type { Tracing } from "./tracing.ts";

/** Makes them. */
export function routineSpans(tracing: Tracing): RoutineObserver {
  return {
    async perform(routine, run, work) {
      const span = tracing.start(`routine ${routine.id}`, {
        attributes: {
          "actp.routine.id": routine.id,
          "actp.routine.run_id": run.id,
          "actp.routine.kind": routine.action.kind,
          "actp.routine.due_at": new Date(run.dueAt).toISOString(),
        },
      });
      try {
        const outcome = await tracing.within(span, work);
        span.setAttribute("actp.routine.status", outcome.status);
        if (outcome.error !== undefined) tracing.fail(span, outcome.error);
        return outcome;
      } finally {
        span.end();
      }
    },
  };
}
