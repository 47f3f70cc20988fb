/** What the worker says of itself: the seed's health fields, with the reasons for a state that is not good. */
import type { Config } from "./config.ts";
import type { Database } from "./database/database.ts";
import {
  type OverallHealth,
  overallOf,
  type OverallReason,
  type QueueStatus,
  workerReasons,
} from "./health/overall.ts";
import { LegacyLoop, type LoopStatus } from "./legacy/loops.ts";
import type { Capabilities } from "./queue/capabilities.ts";
import type { Journal } from "./queue/journal.ts";
import type { LegacySource } from "./queue/configured_sources.ts";
import type { Outage } from "./queue/outage.ts";
import type { Queues, SourceSettings } from "./queue/queues.ts";
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
  readonly overall: OverallHealth;
  readonly overall_reasons: readonly OverallReason[];
  readonly ready: boolean;
  readonly uptime_seconds: number;
  readonly database: string;
  readonly queues: readonly QueueStatus[];
  readonly capabilities: readonly string[];
  readonly active_tasks: number;
  readonly max_concurrent: number;
  /** Over the worker's whole life, from the database; null while it cannot be reached. */
  readonly tasks_completed: number | null;
  readonly tasks_failed: number | null;
  readonly unreported_outcomes: number;
  readonly current_tasks: readonly CurrentTaskStatus[];
  /** The loops of version 1, each in one word. */
  readonly legacy_loops: Readonly<Record<string, string>>;
  /** Those that are on: when they last ran and what went wrong. */
  readonly legacy_loop_runs: Readonly<Record<string, LoopStatus>>;
}

/** The figures that change all the time, for metrics. */
export interface WorkerFigures {
  readonly running: number;
  /** How many tasks may run at once. */
  readonly slots: number;
  /** Outcomes that wait to be reported. */
  readonly journal: number;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly outages: readonly Pick<Outage, "name" | "state" | "totalMs">[];
}

/** Reads them. */
export function readFigures(
  { queues, outage, journal }: Pick<StatusSources, "queues" | "outage" | "journal">,
): WorkerFigures {
  return {
    running: queues.running().length,
    slots: queues.slots,
    journal: journal.size(),
    ready: isReady(queues, outage),
    draining: queues.draining,
    outages: [...new Set([outage, ...queues.sources.map((source) => source.outage)])],
  };
}

interface StatusSources {
  readonly config: Config;
  readonly database: Database;
  readonly capabilities: Capabilities;
  readonly queues: Queues;
  readonly loops: readonly (LegacyLoop | LegacySource)[];
  readonly outage: Outage;
  readonly journal: Journal;
  readonly uptimeMs: number;
}

const COUNT_TIMEOUT_MS = 1000;

/** Reads the status; never throws and never takes longer than a second. */
export async function readStatus(sources: StatusSources): Promise<WorkerStatus> {
  const { config, database, capabilities, queues, outage, journal } = sources;
  const counts = await readCounts(database, config.workerId);
  const reasons = reasonsOf(outage, queues);
  const ready = queues.sources.length > 0 ? queues.ready : outage.state === undefined;
  const loops = loopStatus(sources.loops, outage);
  const queueStatus = queuesStatus(queues);
  const overall_reasons = workerReasons({
    ready,
    draining: queues.draining,
    queues: queueStatus,
    databaseOutage: outage.state && { ...outage.state, since: new Date(outage.state.since).toISOString() },
    heldBack: queues.heldBack,
    unreported: journal.size(),
    maxUnreported: config.journalMaxOutcomes,
    failingLoops: Object.entries(loops.legacy_loop_runs).filter(([, { state }]) => state === "failing")
      .map(([name, { last_error }]) => ({ name, error: last_error })),
  });
  const current = queues.running().map((running) => ({
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
    status: queues.draining ? "draining" : reasons.length > 0 ? "degraded" : "online",
    reasons,
    overall: overallOf(overall_reasons),
    overall_reasons,
    ready,
    uptime_seconds: Math.round(sources.uptimeMs / 1000),
    database: database.description,
    queues: queueStatus,
    capabilities: capabilities.types(),
    active_tasks: current.length,
    max_concurrent: config.maxConcurrent,
    tasks_completed: counts?.jobs_completed ?? null,
    tasks_failed: counts?.jobs_failed ?? null,
    unreported_outcomes: journal.size(),
    current_tasks: current,
    ...loops,
  };
}

function isReady(queues: Queues, database: Outage): boolean {
  return queues.sources.length > 0 ? queues.ready : database.state === undefined;
}

function queuesStatus({ sources, heldBack }: Queues): QueueStatus[] {
  return sources.map(({ source, outage: { state } }) => ({
    name: source.name,
    state: state ? "unreachable" : heldBack ? "held_back" : "running",
    since: state ? new Date(state.since).toISOString() : null,
    reason: state?.error ?? heldBack ?? null,
  }));
}

function reasonsOf(database: Outage, queues: Queues): string[] {
  const others = queues.sources.filter(({ outage }) => outage !== database);
  const reasons = [
    ...unreachable("database", database),
    ...others.flatMap(({ source, outage }: SourceSettings) => unreachable(source.name, outage)),
  ];
  if (queues.heldBack) reasons.push(`not claiming: ${queues.heldBack}`);
  return reasons;
}

function unreachable(name: string, { state }: Outage): string[] {
  return state ? [`${name} unreachable since ${new Date(state.since).toISOString()}: ${state.error}`] : [];
}

/** Loops that have become task sources fare as their queue does: their outages are among the reasons. */
function loopStatus(loops: readonly (LegacyLoop | LegacySource)[], database: Outage) {
  // Version 1 had a loop for it; it always runs.
  const words: Record<string, string> = { heartbeat: database.state ? "failing" : "running" };
  const runs: Record<string, LoopStatus> = {};
  for (const loop of loops) {
    if (loop instanceof LegacyLoop) {
      const status = loop.status();
      words[loop.settings.name] = status.state;
      if (status.state !== "disabled") runs[loop.settings.name] = status;
    } else words[loop.name] = !loop.enabled ? "disabled" : loop.missing ? "not configured" : "running";
  }
  return { legacy_loops: words, legacy_loop_runs: runs };
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
