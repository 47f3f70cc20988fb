/** The jobs in the database: its functions (migrations/…_actp_jobs.sql) by name, and what they refuse as errors. */
import { ApiError } from "../control/api_error.ts";
import type { Database } from "../database/database.ts";
import type { ClaimedJob, Job, JobLine, JobState } from "../jobs/protocol.ts";

/** Who speaks of which job, by which claim. */
export interface Holder {
  readonly runId: string;
  readonly workerId: string;
  /** Old clients have none: then the worker's id decides. */
  readonly token?: string | null;
}

/** How an attempt ended. `failed` with `retry` and `released` put the job back into the queue; the last does not count. */
export type Ending =
  | { readonly outcome: "done"; readonly output: unknown; readonly duration_ms?: number }
  | {
    readonly outcome: "failed" | "timed_out";
    readonly error: string;
    readonly stderr?: string;
    readonly exit_code?: number;
    readonly retry: boolean;
  }
  | { readonly outcome: "released"; readonly error?: string };

/** What a client puts in; undefined and null take the queue's defaults. */
export interface NewJob {
  readonly request: Readonly<Record<string, unknown>>;
  readonly runId?: string | null;
  readonly idempotencyKey?: string;
  readonly priority?: number | null;
  readonly maxAttempts?: number | null;
  readonly timeoutMinutes?: number | null;
}

/** Which jobs to list. */
export interface JobQuery {
  readonly states?: readonly JobState[];
  readonly workerId?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** Everything may throw {@link ApiError} and DatabaseError. */
export interface JobStore {
  submit(job: NewJob): Promise<{ run_id: string; created: boolean }>;
  get(runId: string): Promise<Job>;
  list(query: JobQuery): Promise<{ jobs: JobLine[]; next_cursor: string | null }>;
  cancel(
    runId: string,
    reason: string | undefined,
    withinSeconds: number | undefined,
  ): Promise<{ run_id: string; state: JobState; cancel_requested: boolean }>;
  /** The next job for the worker, if there is one. */
  claim(workerId: string): Promise<ClaimedJob | undefined>;
  /** What the worker holds. */
  running(workerId: string): Promise<ClaimedJob[]>;
  heartbeat(holder: Holder, progress: unknown): Promise<{ cancel: boolean; reason: string | null }>;
  finish(holder: Holder, ending: Ending): Promise<{ state: JobState }>;
  register(worker: Readonly<Record<string, unknown>>): Promise<void>;
  /** Puts jobs whose lease has run out back into the queue. */
  rescue(signal: AbortSignal): Promise<void>;
}

/** A refusal by the database's functions. */
interface Refusal {
  readonly problem?: string;
  readonly state?: string;
}

const DEFAULT_TIMEOUT_MINUTES = 1440;

/** Opens the store; leases last `leaseSeconds`, rounded up to whole ones. */
export function jobStore(database: Database, leaseSeconds: number): JobStore {
  const p_lease_seconds = Math.ceil(leaseSeconds);
  async function ask<T>(runId: string, fn: string, args: Record<string, unknown>): Promise<T> {
    const answer = await database.call<T & Refusal>(fn, args);
    if (answer.problem !== undefined) throw refusal(answer, runId);
    return answer;
  }
  const withInterval = (job: ClaimedJob): ClaimedJob => ({
    ...job,
    heartbeat_seconds: p_lease_seconds / 2,
  });

  return {
    submit: ({ request, runId, idempotencyKey, priority, maxAttempts, timeoutMinutes }) =>
      ask(runId ?? "", "actp_submit_job", {
        p_request: request,
        p_run_id: runId,
        p_idempotency_key: idempotencyKey,
        p_priority: priority,
        p_max_attempts: maxAttempts,
        p_timeout_minutes: timeoutMinutes ?? DEFAULT_TIMEOUT_MINUTES,
      }),
    get: async (runId) => (await ask<{ job: Job }>(runId, "actp_get_job", { p_run_id: runId })).job,
    list: ({ states, workerId, limit, cursor }) =>
      database.call("actp_list_jobs", {
        p_states: states,
        p_worker_id: workerId,
        p_limit: limit,
        p_cursor: cursor,
      }),
    cancel: (runId, reason, withinSeconds) =>
      ask(runId, "actp_cancel_job", { p_run_id: runId, p_reason: reason, p_seconds: withinSeconds }),
    async claim(workerId) {
      const [job] = await database.call<ClaimedJob[]>("actp_claim_job", {
        p_worker_id: workerId,
        p_lease_seconds,
      });
      return job && withInterval(job);
    },
    async running(workerId) {
      const jobs = await database.call<ClaimedJob[]>("actp_running_jobs", {
        p_worker_id: workerId,
        p_lease_seconds,
      });
      return jobs.map(withInterval);
    },
    heartbeat: ({ runId, workerId, token }, progress) =>
      ask(runId, "actp_heartbeat_job", {
        p_run_id: runId,
        p_worker_id: workerId,
        p_token: token,
        p_progress: progress,
        p_lease_seconds,
      }),
    finish: ({ runId, workerId, token }, ending) =>
      ask(runId, "actp_finish_job", {
        p_run_id: runId,
        p_worker_id: workerId,
        p_token: token,
        p_report: ending,
      }),
    async register(worker) {
      const { registered } = await database.call<{ registered: boolean }>("actp_register_job_worker", {
        p_worker: worker,
      });
      if (registered) return;
      throw new ApiError(
        409,
        "worker_id_taken",
        `A living worker on another host is called ${
          JSON.stringify(worker.worker_id)
        }: choose another worker_id`,
      );
    },
    async rescue(signal) {
      await database.call("actp_rescue_tasks", {}, { signal });
    },
  };
}

function refusal({ problem, state }: Refusal, runId: string): ApiError {
  const job = `job ${runId}`;
  switch (problem) {
    case "unknown":
      return new ApiError(404, "unknown_job", `There is no ${job}`);
    case "not_owner":
      return new ApiError(403, "not_owner", `Another worker holds ${job}, or held it last`);
    case "stale":
      return new ApiError(409, "stale_token", `The token is not that of the last claim of ${job}`);
    case "not_running":
      return new ApiError(409, "not_running", `No worker holds ${job} now`);
    case "timed_out":
      return new ApiError(409, "timed_out", `The attempt at ${job} ran out of time`);
    case "conflict":
      return new ApiError(409, "conflicting_report", `${job} has ended otherwise: it is ${state}`);
    case "run_id_taken":
      return new ApiError(409, "conflicting_job", `run_id ${runId} was used for another job: choose another`);
    case "key_taken":
      return new ApiError(
        409,
        "conflicting_job",
        "The Idempotency-Key was used for another job: use a new one",
      );
    default:
      return new ApiError(500, "internal", `The database refused with an unknown word: ${problem}`);
  }
}
