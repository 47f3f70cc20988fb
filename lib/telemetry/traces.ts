/** All traces of a worker. */
import type { Clock } from "../clock.ts";
import { redactor } from "../log/redaction.ts";
import type { RoutineObserver } from "../schedule/run_keeper.ts";
import { routineSpans } from "./routine_spans.ts";
import { type TaskSpans, taskSpans } from "./task_spans.ts";
import { openTracing } from "./tracing.ts";

/** What listens to the worker's parts. */
export interface Traces {
  readonly tasks: TaskSpans;
  /** Has `perform` only. */
  readonly routines: RoutineObserver;
}

/** Makes them, if the environment asks for traces; `secrets` are never among what is sent of errors. */
export async function openTraces(
  env: Readonly<Record<string, string>>,
  secrets: readonly string[],
  clock: Clock,
): Promise<Traces | undefined> {
  const { text } = redactor(secrets);
  const tracing = await openTracing(env, text);
  return tracing && { tasks: taskSpans(tracing, clock), routines: routineSpans(tracing) };
}
