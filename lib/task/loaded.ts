/** The executors that a program has, and those that it could not have. */
import type { Executor } from "./task.ts";

/** Something of the owner's own that cannot be used, and why. */
export interface ExecutorProblem {
  /** Absolute path. */
  readonly file: string;
  /** One line: what is wrong and what to do. */
  readonly reason: string;
}

/** What came of looking for executors: a broken one never keeps the others from working. */
export interface LoadedExecutors {
  readonly executors: readonly Executor[];
  readonly problems: readonly ExecutorProblem[];
}
