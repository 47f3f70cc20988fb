/** The task table `actp_workflow_tasks` as a task source: any of the three databases, the same functions. */
import type { ClaimedRow } from "../../database/claimed_row.ts";
import type { Database, DatabaseError } from "../../database/database.ts";
import {
  type Heartbeat,
  type HeartbeatAnswer,
  type Outcome,
  type SettleAnswer,
  type Settlement,
  SourceError,
  type Task,
  type TaskSource,
  type Wake,
} from "../../task/task.ts";

/** A task as the database tells of it. */
interface TaskRow {
  readonly id: string;
  readonly task_type: string;
  readonly input_data: unknown;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly priority: number;
  readonly token: string;
  readonly timeout_minutes: number | null;
  readonly created_at: string;
  readonly execution_id: string | null;
  readonly step_id: string | null;
  readonly deadline: string | null;
}

const DEFAULT_TIMEOUT_MINUTES = 30;

/** Claims from the table as `workerId`, with leases of `leaseSeconds`. */
export function workflowSource(database: Database, workerId: string, leaseSeconds: number): TaskSource {
  async function call<T>(
    what: string,
    fn: string,
    args: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      return await database.call<T>(fn, args, { signal });
    } catch (error) {
      const { message, transient } = error as DatabaseError;
      throw new SourceError(`Cannot ${what}: ${message}`, { transient: transient ?? false, cause: error });
    }
  }

  function report(settlements: readonly Settlement[], signal?: AbortSignal): Promise<SettleAnswer[]> {
    return call<SettleAnswer[]>("report outcomes", "actp_settle_tasks", {
      p_worker_id: workerId,
      p_settlements: settlements.map(toReport),
    }, signal);
  }

  /** What succeeded goes by the short way; whatever that does not take is looked at one by one. */
  async function settle(settlements: readonly Settlement[], signal?: AbortSignal): Promise<SettleAnswer[]> {
    const done = settlements.filter(({ outcome }) => outcome.kind === "done");
    if (done.length === 0) return await report(settlements, signal);
    const outputs = done.map(({ outcome }) => outcome.kind === "done" ? outcome.output : null);
    const settled = await call<number>("report outcomes", "actp_complete_tasks", {
      p_worker_id: workerId,
      p_task_ids: done.map(({ task }) => task.id),
      p_tokens: done.map(({ task }) => task.token),
      p_outputs: outputs.some((output) => output !== null) ? outputs : undefined,
    }, signal);
    if (settled < done.length) return await report(settlements, signal);
    if (done.length === settlements.length) return done.map(() => "settled");
    const answers = await report(settlements.filter(({ outcome }) => outcome.kind !== "done"), signal);
    return settlements.map(({ outcome }) => outcome.kind === "done" ? "settled" : answers.shift()!);
  }

  return {
    name: "workflow",
    async claim(types, room, signal, rooms, exceptions) {
      const rows = await call<ClaimedRow[]>("claim tasks", "actp_claim_tasks", {
        p_worker_id: workerId,
        p_types: types,
        p_room: room,
        p_lease_seconds: leaseSeconds,
        p_type_rooms: rooms,
        p_except: exceptions,
      }, signal);
      return rows.map(claimedTask);
    },
    heartbeat: (beats, signal) =>
      call<HeartbeatAnswer[]>("renew leases", "actp_heartbeat_tasks", {
        p_worker_id: workerId,
        p_beats: beats.map(toBeat),
        p_lease_seconds: leaseSeconds,
      }, signal),
    settle,
    async held(signal) {
      const rows = await call<TaskRow[]>(
        "list the tasks held",
        "actp_held_tasks",
        { p_worker_id: workerId },
        signal,
      );
      return rows.map((row) => toTask(row, leaseSeconds));
    },
    async abandonHeld(signal) {
      const rescued = await call<unknown[]>("give back the tasks held", "actp_rescue_tasks", {
        p_held_by: workerId,
        p_limit: 10_000,
      }, signal);
      return rescued.length;
    },
    async ping(signal) {
      await call(
        "ask for tasks",
        "actp_claim_tasks",
        { p_worker_id: workerId, p_types: [], p_room: 0 },
        signal,
      );
    },
    ...(database.listen && {
      listen: (wake: (wake: Wake) => void) =>
        database.listen!("actp_tasks", (payload) => {
          if (payload.startsWith("cancel:")) {
            wake({ kind: "cancel", taskId: payload.slice("cancel:".length) });
          } else wake({ kind: "pending" });
        }),
    }),
  };
}

function claimedTask(
  [
    id,
    task_type,
    input_data,
    attempts,
    max_attempts,
    priority,
    token,
    timeout_minutes,
    lease_seconds,
    ...more
  ]: ClaimedRow,
): Task {
  const [created_at, execution_id, step_id, deadline] = more;
  return toTask({
    id,
    task_type,
    input_data,
    attempts,
    max_attempts,
    priority,
    token,
    timeout_minutes,
    created_at,
    execution_id,
    step_id,
    deadline,
  }, lease_seconds);
}

function toTask(row: TaskRow, leaseSeconds: number): Task {
  return {
    id: row.id,
    type: row.task_type,
    input: row.input_data,
    attempt: row.attempts,
    maxAttempts: row.max_attempts,
    priority: row.priority,
    token: row.token,
    timeoutMs: (row.timeout_minutes ?? DEFAULT_TIMEOUT_MINUTES) * 60_000,
    leaseMs: leaseSeconds * 1000,
    createdAt: row.created_at,
    executionId: row.execution_id ?? undefined,
    stepId: row.step_id ?? undefined,
    deadline: row.deadline ?? undefined,
  };
}

function toBeat({ task, progress }: Heartbeat): Record<string, unknown> {
  return {
    task_id: task.id,
    token: task.token,
    progress: progress && {
      percent: progress.percent,
      message: progress.message,
      remaining_seconds: progress.remainingSeconds,
    },
  };
}

function toReport({ task, outcome, durationMs }: Settlement): Record<string, unknown> {
  return { task_id: task.id, token: task.token, duration_ms: Math.round(durationMs), ...reportOf(outcome) };
}

function reportOf(outcome: Outcome): Record<string, unknown> {
  switch (outcome.kind) {
    case "done":
      return { outcome: "done", output: outcome.output };
    case "failed":
      return {
        outcome: "failed",
        error: outcome.error,
        retry: outcome.retry,
        log_tail: outcome.logTail,
        exit_code: outcome.exitCode,
      };
    case "timedOut":
      return { outcome: "timed_out", error: outcome.error, log_tail: outcome.logTail };
    case "cancelled":
      return { outcome: "cancelled", error: outcome.reason };
    case "released":
      return { outcome: "released", error: outcome.reason };
  }
}
