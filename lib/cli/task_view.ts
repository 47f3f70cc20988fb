/** Tasks as commands show them. */
import type { AwaitedApproval } from "../outward/awaiting.ts";
import { duration, paint, printable, type Terminal } from "./terminal.ts";

/** A task as the database's functions return it (see `actp_task_json`). Times are ISO 8601. */
export interface TaskRow {
  readonly id: string;
  readonly task_type: string;
  readonly status: string;
  readonly priority: number;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly input_data: unknown;
  readonly output_data: unknown;
  readonly error: string | null;
  readonly progress: { percent?: number; message?: string; remaining_seconds?: number } | null;
  readonly claimed_by: string | null;
  readonly claimed_at: string | null;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly created_at: string;
  readonly run_at: string;
  readonly cancel_requested_at: string | null;
  readonly cancel_reason: string | null;
  readonly reward?: number | string | null;
  readonly currency?: string | null;
  readonly deadline?: string | null;
  readonly history?: readonly AttemptRow[];
  /** What it waits for, where a person has to agree. */
  readonly approval?: AwaitedApproval;
}

/** An attempt that did not succeed. */
export interface AttemptRow {
  readonly attempt: number;
  readonly worker_id: string | null;
  readonly outcome: string;
  readonly error: string | null;
  readonly log_tail: string | null;
  readonly duration_ms: number | null;
  readonly ended_at: string;
  /** What its worker reported after it had lost the task; refused. */
  readonly late_report?: {
    readonly outcome: string;
    readonly error: string | null;
    readonly worker_id: string;
    readonly reported_at: string;
  } | null;
}

/** Statuses that a task does not leave by itself. */
export const SETTLED = ["succeeded", "failed", "timed_out", "cancelled"] as const;

/** Whether a task has reached its end. */
export function isSettled(task: Pick<TaskRow, "status">): boolean {
  return (SETTLED as readonly string[]).includes(task.status);
}

/** The status in its colour. */
export function statusText(terminal: Pick<Terminal, "color">, status: string): string {
  switch (status) {
    case "succeeded":
      return paint(terminal, "green", status);
    case "failed":
    case "timed_out":
      return paint(terminal, "red", status);
    case "cancelled":
      return paint(terminal, "yellow", status);
    case "running":
    case "claimed":
      return paint(terminal, "blue", status);
    default:
      return status;
  }
}

/** One line that says how a task stands: `running  [#####-----] 52 %  3 s left  encoding`. */
export function progressLine(task: TaskRow, now = Date.now()): string {
  const parts = [task.task_type, task.status];
  const { percent, message, remaining_seconds } = task.progress ?? {};
  if (task.status === "running" && percent !== undefined) {
    const filled = Math.round(Math.min(100, Math.max(0, percent)) / 5);
    parts.push(`[${"#".repeat(filled)}${"-".repeat(20 - filled)}] ${Math.round(percent)} %`);
    if (remaining_seconds !== undefined && remaining_seconds !== null) {
      parts.push(`${Math.ceil(remaining_seconds)} s left`);
    }
  }
  if (task.status === "running" && message) parts.push(printable(message));
  if (task.status === "pending") {
    const wait = Date.parse(task.run_at) - now;
    if (task.approval) {
      const left = Date.parse(task.approval.expires_at) - now;
      parts.push(`waiting for approval ${task.approval.id}, for ${duration(left)} more`);
    } else if (wait > 0) parts.push(`due in ${duration(wait)}`);
    if (task.attempts > 0) parts.push(`after attempt ${task.attempts} of ${task.max_attempts}`);
  }
  return parts.join("  ");
}

/** How long a settled task's last attempt took, in ms. */
export function runtimeMs(task: TaskRow): number | undefined {
  if (!task.claimed_at || !task.completed_at) return undefined;
  return Math.max(0, Date.parse(task.completed_at) - Date.parse(task.claimed_at));
}

/** What came of a task, in at most `max` characters. */
export function resultText(task: TaskRow, max = 100): string {
  const text = task.status === "succeeded"
    ? JSON.stringify(task.output_data) ?? "" // lists of the control API leave it out
    : task.error ?? task.cancel_reason ?? "";
  const line = printable(text);
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

/** Everything about one task, for people. */
export function taskDetail(terminal: Terminal, task: TaskRow): string[] {
  const lines = [
    ["id", task.id],
    ["type", task.task_type],
    ["status", statusText(terminal, task.status)],
    ["attempts", `${task.attempts} of ${task.max_attempts}`],
    ["priority", String(task.priority)],
    ["created", task.created_at],
    ["due", task.approval ? "when it is approved" : task.run_at],
    ...(task.approval
      ? [["approval", `${task.approval.id} until ${task.approval.expires_at}: ${task.approval.summary}`]]
      : []),
    ["worker", task.claimed_by ?? "–"],
    ["started", task.claimed_at ?? "–"],
    ["completed", task.completed_at ?? "–"],
    ["input", JSON.stringify(task.input_data)],
    ["output", task.output_data === null ? "–" : JSON.stringify(task.output_data)],
    ["error", task.error ?? "–"],
    ...(task.cancel_reason ? [["cancelled", task.cancel_reason]] : []),
    ...(task.reward == null ? [] : [["reward", `${task.reward} ${task.currency ?? ""}`.trim()]]),
    ...(task.deadline ? [["deadline", task.deadline]] : []),
  ].map(([name, value]) => `${paint(terminal, "grey", name.padEnd(10))}${printable(value)}`);
  lines[2] = `${paint(terminal, "grey", "status".padEnd(10))}${statusText(terminal, task.status)}`;
  for (const attempt of task.history ?? []) {
    const took = attempt.duration_ms === null ? "" : ` after ${duration(attempt.duration_ms)}`;
    lines.push(
      `attempt ${attempt.attempt}: ${attempt.outcome}${took} on ${
        attempt.worker_id ?? "?"
      }, ${attempt.ended_at}` +
        (attempt.error ? `: ${printable(attempt.error)}` : ""),
    );
    for (const line of attempt.log_tail?.split("\n") ?? []) lines.push(`    ${printable(line)}`);
    const late = attempt.late_report;
    if (late) {
      lines.push(
        `    refused: ${late.worker_id} reported ${late.outcome} at ${late.reported_at}` +
          (late.error ? `: ${printable(late.error)}` : ""),
      );
    }
  }
  return lines;
}
