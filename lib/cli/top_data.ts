/** What `top` shows, read from the control API. A part that this worker does not offer is null, not an error. */
import type { Config } from "../config.ts";
import type { WorkerStatus } from "../status.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import { requestDaemon } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import type { TaskRow } from "./task_view.ts";

/** An agent with what it has cost, in US dollars; null where that is not known. */
export type TopAgent = AgentStatus & {
  readonly cost_today_usd?: number | null;
  readonly budget_day_usd?: number | null;
};

/** The part of `GET /tasks/stats` that is shown. */
export interface TopStats {
  readonly by_status: Readonly<Record<string, number>>;
  readonly by_type: readonly {
    readonly task_type: string;
    readonly pending: number;
    readonly running: number;
  }[];
  readonly buckets: readonly {
    readonly succeeded: number;
    readonly failed: number;
    readonly timed_out: number;
    readonly run_ms_p95: number | null;
  }[];
}

/** A type or pattern, with its limit and pause. */
export interface TopType {
  readonly pattern: string;
  readonly running: number;
  readonly waiting: number | null;
  readonly max_running: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
}

/** A queue that this worker claims from. */
export interface TopQueue {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
}

/** Everything at one moment. */
export interface TopData {
  /** ISO 8601. */
  readonly at: string;
  readonly status: WorkerStatus;
  readonly tasks: readonly TaskRow[];
  readonly agents: readonly TopAgent[] | null;
  readonly queues: readonly TopQueue[] | null;
  readonly types: readonly TopType[] | null;
  readonly stats: TopStats | null;
  /** Acts that wait for a person. */
  readonly approvals: readonly { readonly id: string; readonly summary: string }[] | null;
}

/** Which tasks are asked for. */
export interface TaskFilter {
  /** Comma-separated; "" for all. */
  readonly status: string;
  /** Words to search for. */
  readonly text: string;
}

type Answer = Readonly<Record<string, unknown>> | readonly unknown[];
const MOST_TASKS = 100;
const TIMEOUT_MS = 5000;

/** Reads everything once. @throws ExitError where the worker does not run or does not answer */
export async function readTop(config: Config, filter: TaskFilter): Promise<TopData> {
  const query = new URLSearchParams({ limit: String(MOST_TASKS) });
  if (filter.status) query.set("status", filter.status);
  if (filter.text) query.set("q", filter.text);
  const read = (path: string) => optional(config, path);
  const [status, tasks, agents, queues, stats, approvals] = await Promise.all([
    required<WorkerStatus>(config, "/status"),
    required<{ tasks: TaskRow[] }>(config, `/tasks?${query}`),
    read("/agents"),
    read("/queues"),
    read("/tasks/stats?window=hour"),
    read("/approvals"),
  ]);
  const known = stats as TopStats | null;
  return {
    at: new Date().toISOString(),
    status,
    tasks: tasks.tasks,
    agents: listOf<TopAgent>(agents, "agents"),
    queues: listOf<TopQueue>(queues, "queues"),
    types: typesOf(listOf<Limit>(queues, "limits"), known),
    stats: known,
    approvals: listOf(approvals, "approvals"),
  };
}

interface Limit extends Omit<TopType, "reason" | "waiting"> {
  readonly waiting?: number;
  readonly paused_reason?: string | null;
}

/** Every pattern with a limit or a pause, then every other type that waits or runs. Pure. */
export function typesOf(limits: readonly Limit[] | null, stats: TopStats | null): TopType[] | null {
  if (limits === null) return null;
  const limited = new Set(limits.map(({ pattern }) => pattern));
  const busy = (stats?.by_type ?? []).filter(({ task_type, pending, running }) =>
    !limited.has(task_type) && pending + running > 0
  );
  return [
    ...limits.map(({ pattern, running, waiting, max_running, paused, paused_reason }) => ({
      pattern,
      running,
      waiting: waiting ?? null,
      max_running,
      paused,
      reason: paused_reason ?? null,
    })),
    ...busy.map(({ task_type, pending, running }) => ({
      pattern: task_type,
      running,
      waiting: pending,
      max_running: null,
      paused: false,
      reason: null,
    })),
  ];
}

function listOf<T>(answer: Answer | null, name: string): readonly T[] | null {
  if (answer === null) return null;
  const list = Array.isArray(answer) ? answer : (answer as Record<string, unknown>)[name];
  return Array.isArray(list) ? list as T[] : null;
}

async function required<T>(config: Config, path: string): Promise<T> {
  const response = await requestDaemon(config, "GET", path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const answer = await response.json();
  if (response.ok) return answer as T;
  const reason = answer?.error?.message ?? "no reason given";
  throw new ExitError(EXIT.failed, `The worker answered ${response.status}: ${reason}`);
}

/** One part may fail, as with a database that is away: the rest is shown all the same. */
async function optional(config: Config, path: string): Promise<Answer | null> {
  const response = await requestDaemon(config, "GET", path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.ok) return await response.json();
  await response.body?.cancel();
  return null;
}
