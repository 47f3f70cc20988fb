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
}

/** How many rows went. `busy`: another worker is at it, and nothing (more) was done here. */
export interface Pruned {
  readonly tasks: number;
  readonly logs: number;
  readonly workers: number;
  readonly counts: number;
  readonly busy: boolean;
}

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
  const gone = { tasks: 0, logs: 0, workers: 0, counts: 0 };
  let after: string | null = "0";
  while (!signal.aborted) {
    const batch: Batch = await database.call<Batch>("actp_prune", {
      p_task_days: after === null ? 0 : policy.retentionDays, // all of them have been seen
      p_log_days: policy.logRetentionDays,
      p_worker_days: policy.heartbeatRetentionDays,
      p_limit: BATCH,
      p_after: after ?? "0",
    }, { signal });
    if (batch.busy) return { ...gone, busy: true };
    for (const kind of ["tasks", "logs", "workers", "counts"] as const) gone[kind] += batch[kind] ?? 0;
    after = batch.next ?? null;
    if (!batch.more) break;
    await clock.sleep(PAUSE_MS, signal);
  }
  return { ...gone, busy: false };
}

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
      const { tasks, logs, workers, counts } = await prune(database, policy, { clock, signal });
      await pruneRequests(database, { clock, signal });
      if (tasks + logs + workers + counts === 0) return;
      this.#log.info(`pruned ${tasks} tasks, ${logs} log rows, ${workers} workers and ${counts} counts`);
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
