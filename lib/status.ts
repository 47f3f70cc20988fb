/** What the worker says of itself: the seed's health fields, with the reasons for a state that is not good. */
import type { Config } from "./config.ts";
import type { Database } from "./database/database.ts";
import type { Capabilities } from "./queue/capabilities.ts";
import type { Journal } from "./queue/journal.ts";
import type { Outage } from "./queue/outage.ts";
import type { WorkerQueue } from "./queue/worker_queue.ts";
import type { Progress } from "./task/task.ts";
import { VERSION } from "./version.ts";

/** One task in progress. */
export interface CurrentTaskStatus {
  readonly task_id: string;
  readonly task_type: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly elapsed_seconds: number;
  readonly progress: Progress | null;
}

/** `online`, `degraded` (see `reasons`) or `draining`. */
export interface WorkerStatus {
  readonly worker_id: string;
  readonly version: string;
  readonly status: "online" | "degraded" | "draining";
  readonly reasons: readonly string[];
  readonly ready: boolean;
  readonly uptime_seconds: number;
  readonly database: string;
  readonly capabilities: readonly string[];
  readonly active_tasks: number;
  readonly max_concurrent: number;
  /** Over the worker's whole life, from the database; null while it cannot be reached. */
  readonly tasks_completed: number | null;
  readonly tasks_failed: number | null;
  readonly unreported_outcomes: number;
  readonly current_tasks: readonly CurrentTaskStatus[];
}

interface StatusSources {
  readonly config: Config;
  readonly database: Database;
  readonly capabilities: Capabilities;
  readonly queue?: WorkerQueue;
  readonly outage: Outage;
  readonly journal: Journal;
  readonly uptimeMs: number;
}

const COUNT_TIMEOUT_MS = 1000;

/** Reads the status; never throws and never takes longer than a second. */
export async function readStatus(sources: StatusSources): Promise<WorkerStatus> {
  const { config, database, capabilities, queue, outage, journal } = sources;
  const counts = await readCounts(database, config.workerId);
  const reasons = reasonsOf(outage, queue);
  const current = (queue?.running() ?? []).map((running) => ({
    task_id: running.task.id,
    task_type: running.task.type,
    attempt: running.task.attempt,
    started_at: new Date(running.startedAt).toISOString(),
    elapsed_seconds: Math.round(running.elapsedMs / 1000),
    progress: running.progress ?? null,
  }));
  return {
    worker_id: config.workerId,
    version: VERSION,
    status: queue?.draining ? "draining" : reasons.length > 0 ? "degraded" : "online",
    reasons,
    ready: queue?.ready ?? outage.state === undefined,
    uptime_seconds: Math.round(sources.uptimeMs / 1000),
    database: database.description,
    capabilities: capabilities.types(),
    active_tasks: current.length,
    max_concurrent: config.maxConcurrent,
    tasks_completed: counts?.jobs_completed ?? null,
    tasks_failed: counts?.jobs_failed ?? null,
    unreported_outcomes: journal.size(),
    current_tasks: current,
  };
}

function reasonsOf(outage: Outage, queue: WorkerQueue | undefined): string[] {
  const reasons: string[] = [];
  if (outage.state) {
    reasons.push(
      `database unreachable since ${new Date(outage.state.since).toISOString()}: ${outage.state.error}`,
    );
  }
  if (queue?.heldBack) reasons.push(`not claiming: ${queue.heldBack}`);
  return reasons;
}

async function readCounts(database: Database, workerId: string) {
  try {
    const [row] = await database.call<{ jobs_completed: number; jobs_failed: number }[]>(
      "actp_list_workers",
      { p_worker_id: workerId },
      { timeoutMs: COUNT_TIMEOUT_MS },
    );
    return row;
  } catch {
    return undefined; // the outage is told by `reasons`
  }
}
