/** What can be done here, and what of the owner's own cannot be used? */
import { toldException } from "../task/exception.ts";
import type { ExecutorProblem } from "../task/loaded.ts";
import type { Availability, Executor } from "../task/task.ts";
import type { Check, Finding } from "./check.ts";

/** One check for each executor, and one for each that could not be loaded. */
export function executorChecks(
  executors: readonly Executor[],
  problems: readonly ExecutorProblem[],
): Check[] {
  return [
    ...executors.map((executor): Check => ({
      name: executor.type,
      run: async () => judgeExecutor(await executor.check()),
    })),
    ...problems.map(({ file, reason }): Check => ({
      name: "own executor",
      run: () => Promise.resolve({ status: "fail", detail: `${file}: ${reason}` }),
    })),
  ];
}

/** Hardly any machine has all tools: one that is missing is told, and is no failure. */
function judgeExecutor(availability: Availability): Finding {
  if (availability.available) {
    const { version = "available", except } = availability;
    return { status: "ok", detail: except ? `${version}; ${toldException(except)}` : version };
  }
  return { status: "warn", detail: availability.reason, fix: availability.fix };
}
