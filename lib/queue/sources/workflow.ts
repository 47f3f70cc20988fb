/** The task table `actp_workflow_tasks` as a task source: any of the three databases, the same functions. */
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

/** A claimed row, as `actp_claim_tasks` returns it. */
interface ClaimedRow {
  id: string;
  task_type: string;
  input_data: unknown;
  attempt: number;
  max_attempts: number;
  priority: number;
  token: string;
  timeout_minutes: number | null;
  lease_seconds: number;
  created_at: string;
  execution_id: string | null;
  step_id: string | null;
  deadline: string | null;
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

  return {
    name: "workflow",
    async claim(types, room, signal, rooms) {
      const rows = await call<ClaimedRow[]>("claim tasks", "actp_claim_tasks", {
        p_worker_id: workerId,
        p_types: types,
        p_room: room,
        p_lease_seconds: leaseSeconds,
        p_type_rooms: rooms,
      }, signal);
      return rows.map(toTask);
    },
    heartbeat: (beats, signal) =>
      call<HeartbeatAnswer[]>("renew leases", "actp_heartbeat_tasks", {
        p_worker_id: workerId,
        p_beats: beats.map(toBeat),
        p_lease_seconds: leaseSeconds,
      }, signal),
    settle: (settlements, signal) =>
      call<SettleAnswer[]>("report outcomes", "actp_settle_tasks", {
        p_worker_id: workerId,
        p_settlements: settlements.map(toReport),
      }, signal),
    async held(signal) {
      const rows = await call<(Omit<ClaimedRow, "attempt" | "lease_seconds"> & { attempts: number })[]>(
        "list the tasks held",
        "actp_held_tasks",
        { p_worker_id: workerId },
        signal,
      );
      return rows.map((row) => toTask({ ...row, attempt: row.attempts, lease_seconds: leaseSeconds }));
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

function toTask(row: ClaimedRow): Task {
  return {
    id: row.id,
    type: row.task_type,
    input: row.input_data,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    priority: row.priority,
    token: row.token,
    timeoutMs: (row.timeout_minutes ?? DEFAULT_TIMEOUT_MINUTES) * 60_000,
    leaseMs: row.lease_seconds * 1000,
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
      return { outcome: "failed", error: outcome.error, retry: outcome.retry, log_tail: outcome.logTail };
    case "timedOut":
      return { outcome: "timed_out", error: outcome.error, log_tail: outcome.logTail };
    case "cancelled":
      return { outcome: "cancelled", error: outcome.reason };
    case "released":
      return { outcome: "released", error: outcome.reason };
  }
}
