/**
 * The life of a task in the workflow table, as one pure function. The database's functions do the same in SQL; their tests
 * hold them against this.
 */
import type { Outcome } from "./task.ts";

/** Where a task is in its life. */
export type TaskStatus =
  | "pending"
  | "claimed"
  | "running"
  | "succeeded"
  | "failed"
  | "timed_out"
  | "cancelled";

/** What decides about a task's next step. */
export interface TaskState {
  readonly status: TaskStatus;
  /** Claims so far that counted: a release takes its own back. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** The fencing token of the last claim; 0 before the first. */
  readonly token: number;
  /** Who holds it, while it is claimed or running. */
  readonly holder?: string;
  readonly cancelAsked: boolean;
}

/** What can happen to a task. */
export type TaskEvent =
  | { readonly kind: "claim"; readonly worker: string }
  | { readonly kind: "heartbeat"; readonly worker: string; readonly token: number }
  | {
    readonly kind: "settle";
    readonly token: number;
    readonly outcome: Outcome["kind"];
    /** Whether another attempt could help; only a failure can say that it could not. */
    readonly retry?: boolean;
  }
  | { readonly kind: "leaseExpired" }
  | { readonly kind: "cancel" }
  | { readonly kind: "retry" };

/** A task as it is enqueued. */
export function newTask(maxAttempts: number): TaskState {
  return { status: "pending", attempts: 0, maxAttempts, token: 0, cancelAsked: false };
}

/** Whether somebody works on it. */
export function isHeld(task: TaskState): boolean {
  return task.status === "claimed" || task.status === "running";
}

/** The task after the event, or the very same object where the event is refused or changes nothing. */
export function transition(task: TaskState, event: TaskEvent): TaskState {
  switch (event.kind) {
    case "claim":
      if (task.status !== "pending") return task;
      return {
        ...task,
        status: "claimed",
        holder: event.worker,
        attempts: task.attempts + 1,
        token: task.token + 1,
      };
    case "heartbeat":
      if (!isHeld(task) || task.token !== event.token || task.holder !== event.worker) return task;
      return { ...task, status: "running" };
    case "settle":
      if (!isHeld(task) || task.token !== event.token) return task;
      return leave(task, statusAfter(task, event.outcome, event.retry ?? true), event.outcome === "released");
    case "leaseExpired":
      return isHeld(task) ? leave(task, statusAfter(task, "failed", true)) : task;
    case "cancel":
      if (task.status === "pending") return { ...task, status: "cancelled", cancelAsked: true };
      return isHeld(task) && !task.cancelAsked ? { ...task, cancelAsked: true } : task;
    case "retry":
      if (!["failed", "timed_out", "cancelled"].includes(task.status)) return task;
      return { ...task, status: "pending", attempts: 0, cancelAsked: false };
  }
}

/** Where an attempt's outcome leads: done wins over a cancel, a cancel over everything else. */
function statusAfter(task: TaskState, outcome: Outcome["kind"], retry: boolean): TaskStatus {
  if (outcome === "done") return "succeeded";
  if (outcome === "cancelled" || task.cancelAsked) return "cancelled";
  if (outcome === "released") return "pending";
  if (retry && task.attempts < task.maxAttempts) return "pending";
  return outcome === "timedOut" ? "timed_out" : "failed";
}

function leave(task: TaskState, status: TaskStatus, released = false): TaskState {
  const attempts = released && status === "pending" ? task.attempts - 1 : task.attempts;
  return { ...task, status, attempts, holder: undefined };
}
