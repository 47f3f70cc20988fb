/** Deletes what is older than people want to keep, in small batches, so that nobody waits for it. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";

/** How long things are kept, in days; 0 is for ever. */
export interface RetentionPolicy {
  readonly retentionDays: number;
  readonly logRetentionDays: number;
  readonly heartbeatRetentionDays: number;
  /** Runs of agents and routines with their calls and costs, goals, and notifications. */
  readonly historyRetentionDays: number;
}

/** What is pruned, as people call it. */
const KINDS = {
  tasks: "tasks",
  logs: "log rows",
  workers: "workers",
  counts: "counts",
  agent_runs: "agent runs",
  tool_calls: "tool calls",
  model_calls: "model calls",
  goals: "goals",
  routine_runs: "routine runs",
  notifications: "notifications",
} as const;

type Kind = keyof typeof KINDS;
const ALL_KINDS = Object.keys(KINDS) as Kind[];

/** How many rows went. `busy`: another worker is at it, and nothing (more) was done here. */
export type Pruned = Readonly<Record<Kind, number>> & { readonly busy: boolean };

/** What {@link prune} needs besides the policy; the signal ends it between two batches. */
export interface PruneOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Batch extends Partial<Pruned> {
  readonly busy: boolean;
  readonly next?: string | null;
  readonly more?: boolean;
}

const BATCH = 1000;
const PAUSE_MS = 200;
const FIRST_MS = 5 * 60_000;
const INTERVAL_MS = 3_600_000;

/** Deletes batch by batch until nothing old is left. @throws DatabaseError */
export async function prune(
  database: Database,
  policy: RetentionPolicy,
  { clock, signal }: PruneOptions,
): Promise<Pruned> {
  const gone = Object.fromEntries(ALL_KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
  /** False when another worker is at it. */
  const untilNoneIsLeft = async (next: () => Promise<Batch>) => {
    while (!signal.aborted) {
      const batch = await next();
      if (batch.busy) return false;
      for (const kind of ALL_KINDS) gone[kind] += batch[kind] ?? 0;
      if (!batch.more) break;
      await clock.sleep(PAUSE_MS, signal);
    }
    return true;
  };
  let after: string | null = "0";
  const queue = async () => {
    const batch: Batch = await database.call<Batch>("actp_prune", {
      p_task_days: after === null ? 0 : policy.retentionDays, // all of them have been seen
      p_log_days: policy.logRetentionDays,
      p_worker_days: policy.heartbeatRetentionDays,
      p_limit: BATCH,
      p_after: after ?? "0",
    }, { signal });
    after = batch.next ?? null;
    return batch;
  };
  const history = () =>
    database.call<Batch>(
      "actp_prune_history",
      { p_days: policy.historyRetentionDays, p_limit: BATCH },
      { signal },
    );
  const free = await untilNoneIsLeft(queue) && await untilNoneIsLeft(history);
  return { ...gone, busy: !free };
}

/** What went, in words: `3 tasks, 12 tool calls`; undefined where nothing did. Pure. */
export function prunedText(pruned: Pruned): string | undefined {
  const parts = ALL_KINDS.filter((kind) => pruned[kind] > 0).map((kind) => `${pruned[kind]} ${KINDS[kind]}`);
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/** Which of the settings says how long a table's rows are kept, by the table's name. */
export const KEPT: Readonly<Record<string, keyof RetentionPolicy>> = {
  actp_workflow_tasks: "retentionDays",
  actp_task_attempts: "retentionDays",
  actp_outward_acts: "retentionDays",
  actp_worker_logs: "logRetentionDays",
  actp_worker_registrations: "heartbeatRetentionDays",
  actp_worker_heartbeats: "heartbeatRetentionDays",
  actp_task_counts: "heartbeatRetentionDays",
  actp_agent_runs: "historyRetentionDays",
  actp_tool_call_log: "historyRetentionDays",
  anthropic_cost_log: "historyRetentionDays",
  actp_agent_tasks: "historyRetentionDays",
  actp_routine_runs: "historyRetentionDays",
  actp_notifications: "historyRetentionDays",
};

/** Deletes what is kept for Idempotency-Keys after their day, batch by batch. @throws DatabaseError */
async function pruneRequests(database: Database, { clock, signal }: PruneOptions): Promise<void> {
  while (!signal.aborted) {
    const { deleted } = await database.call<{ deleted: number }>("actp_prune_requests", { p_limit: BATCH }, {
      signal,
    });
    if (deleted < BATCH) return;
    await clock.sleep(PAUSE_MS, signal);
  }
}

/** Prunes 5 to 10 minutes after the start and then hourly, each worker at times of its own. */
export class Retention implements Service {
  readonly name = "retention";
  readonly #log = logger("retention");
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    await clock.sleep(FIRST_MS * (1 + random()), signal);
    while (!signal.aborted) {
      await this.#prune(signal);
      await clock.sleep(INTERVAL_MS * (1 + 0.1 * random()), signal);
    }
  }

  async #prune(signal: AbortSignal): Promise<void> {
    const { database, policy, clock } = this.#options;
    try {
      const gone = prunedText(await prune(database, policy, { clock, signal }));
      await pruneRequests(database, { clock, signal });
      if (gone) this.#log.info(`pruned ${gone}`);
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn(`Cannot prune: ${(error as Error).message}; tried again in an hour`);
    }
  }
}

/** `random` gives numbers in [0, 1). */
export interface RetentionOptions {
  readonly database: Database;
  readonly policy: RetentionPolicy;
  readonly clock: Clock;
  readonly random?: () => number;
}
