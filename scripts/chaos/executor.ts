/** The work of the chaos and soak runs: waits, fails when told to, and leaves a trace. */
import { z } from "zod";
import { systemClock } from "../../lib/clock.ts";
import { defineExecutor, type Executor, TaskError } from "../../mod.ts";
import type { Trace, TraceLine } from "./trace.ts";

/** The type of all tasks of a run. */
export const TASK_TYPE = "chaos";

/** `workMs` in ms; so many attempts fail as `failures` says. */
const input = z.object({ key: z.int(), workMs: z.number(), failures: z.int(), retry: z.boolean() });

/** What a successful attempt leaves in the task's row: enough to find its line in the trace. */
export interface ChaosOutput {
  readonly token: string;
  readonly worker: string;
  readonly nonce: string;
}

/** The error of an attempt that was told to fail; names its token, as the output of others does. */
export function failureMessage(token: string): string {
  return `told to fail, token ${token}`;
}

/** Runs tasks as `worker`. */
export function chaosExecutor(worker: string, trace: Trace): Executor<z.output<typeof input>, ChaosOutput> {
  return defineExecutor({
    type: TASK_TYPE,
    description: "waits, and fails when told to",
    input,
    check: () => Promise.resolve({ available: true }),
    async run({ workMs, failures, retry }, { task: { id: task, attempt, token }, signal }) {
      const nonce = crypto.randomUUID();
      const tell = (event: TraceLine["event"]) =>
        trace.append({ event, at: Date.now(), task, attempt, token, worker, nonce });
      await tell("start");
      await systemClock.sleep(workMs, signal);
      if (signal.aborted) {
        await tell("stopped");
        throw signal.reason;
      }
      if (attempt <= failures) {
        await tell("failed");
        throw new TaskError(failureMessage(token), { retry });
      }
      await tell("done");
      return { token, worker, nonce };
    },
  });
}
