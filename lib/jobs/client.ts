/** A jobs server over HTTP, from both of its sides: those who put in jobs, and workers. Old servers work as well. */
import { z } from "zod";
import { type Call, jobsCaller, type JobsClientOptions, JobsError } from "./call.ts";
import * as protocol from "./protocol.ts";
import type { ClaimedJob, Job, JobLine, JobState, Terms } from "./protocol.ts";

export { type JobsClientOptions, JobsError } from "./call.ts";
export type { ClaimedJob, Job, JobLine, JobState, Terms } from "./protocol.ts";

/** What is put in; see the protocol. Without `options.run_id` the client chooses one, so that it can be repeated. */
export type Submission = z.input<typeof protocol.submission>;

/** By which claim a worker speaks of a job. */
export interface Claim {
  readonly workerId: string;
  /** The claim's token; servers that gave none need none. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** How a job failed. `retry`: through no fault of the workflow, so another attempt may help. */
export interface JobFailure extends Claim {
  readonly message: string;
  readonly stderr?: string;
  readonly exit_code?: number;
  readonly retry?: boolean;
  readonly timed_out?: boolean;
}

/** What the server said to a report: taken, now or before; or the claim had passed on. */
export type ReportAnswer = "settled" | "lost";

/** The calls of one jobs server. All may throw {@link JobsError}, and the signal's reason when it aborts. */
export interface JobsClient {
  /** Where the server is. */
  readonly url: string;
  /** @throws JobsError 404 from an old server */
  register(
    worker: {
      workerId?: string;
      hostname?: string;
      version?: string;
      maxJobs?: number;
      signal?: AbortSignal;
    },
  ): Promise<Terms>;
  /** The next job, waited for if told; not repeated, since an answer that was lost may have held a job. */
  claim(
    worker: { workerId: string; waitSeconds?: number; signal?: AbortSignal },
  ): Promise<ClaimedJob | undefined>;
  heartbeat(
    runId: string,
    claim: Claim & { readonly progress?: Readonly<Record<string, unknown>> },
  ): Promise<"ok" | "cancel" | "lost">;
  complete(
    runId: string,
    claim: Claim & { readonly response: Readonly<Record<string, unknown>> },
  ): Promise<ReportAnswer>;
  fail(runId: string, failure: JobFailure): Promise<ReportAnswer>;
  /** Gives a job back untouched. @throws JobsError 404 or 405 without a code from an old server */
  release(runId: string, claim: Claim & { readonly reason?: string }): Promise<ReportAnswer>;
  /** What the worker holds. @throws JobsError 404 from an old server */
  running(workerId: string, signal?: AbortSignal): Promise<ClaimedJob[]>;
  submit(job: Submission, signal?: AbortSignal): Promise<{ run_id: string; created?: boolean }>;
  get(runId: string, signal?: AbortSignal): Promise<Job>;
  cancel(
    runId: string,
    options?: { reason?: string; withinSeconds?: number; signal?: AbortSignal },
  ): Promise<{ run_id: string; state: JobState; cancel_requested: boolean }>;
  list(query?: {
    states?: readonly JobState[];
    workerId?: string;
    limit?: number;
    cursor?: string;
    signal?: AbortSignal;
  }): Promise<{ jobs: JobLine[]; next_cursor: string | null }>;
}

/**
 * Makes a client; nothing is sent yet.
 * @throws {@link JobsError} for an address that is none, or where a token would cross a network in the clear
 */
export function jobsClient(options: JobsClientOptions): JobsClient {
  const { url, call } = jobsCaller(options);

  async function report(
    request: Pick<Call<unknown>, "what" | "path" | "body" | "signal">,
    lost = isLost,
  ): Promise<ReportAnswer> {
    try {
      await call({ ...request, method: "POST", repeat: true });
      return "settled";
    } catch (error) {
      if (lost(error)) return "lost";
      throw error;
    }
  }

  const at = (runId: string, verb = "") => `/jobs/${encodeURIComponent(runId)}${verb && `/${verb}`}`;
  const required = <T>(value: T | undefined, what: string): T => {
    if (value !== undefined) return value;
    throw new JobsError(`Cannot ${what}: ${url} answered without a body (is it a jobs server?)`, {
      transient: false,
    });
  };

  return {
    url,
    async register({ workerId, hostname, version, maxJobs, signal }) {
      const what = "register the worker";
      const body = { worker_id: workerId, hostname, version, max_jobs: maxJobs };
      const path = "/workers/register";
      return required(
        await call({ what, method: "POST", path, body, signal, repeat: true, reply: protocol.terms }),
        what,
      );
    },
    claim({ workerId, waitSeconds = 0, signal }) {
      const wait = Math.min(waitSeconds, protocol.MAX_WAIT_SECONDS);
      return call({
        what: "claim a job",
        method: "POST",
        path: `/jobs/claim${wait > 0 ? `?wait=${wait}` : ""}`,
        body: { worker_id: workerId },
        signal,
        repeat: false,
        extraMs: wait * 1000,
        reply: protocol.claimedJob,
      });
    },
    async heartbeat(runId, { workerId, token, progress, signal }) {
      const body = { worker_id: workerId, token, progress };
      const what = `renew the claim of job ${runId}`;
      const reply = z.object({ cancel: z.boolean().optional() }).optional().catch(undefined);
      try {
        const path = at(runId, "heartbeat");
        const answer = await call({ what, method: "POST", path, body, signal, repeat: true, reply });
        return answer?.cancel ? "cancel" : "ok";
      } catch (error) {
        if (isLost(error)) return "lost";
        throw error;
      }
    },
    complete: (runId, { workerId, token, response, signal }) =>
      report({
        what: `report job ${runId} as done`,
        path: at(runId, "complete"),
        body: { worker_id: workerId, token, response },
        signal,
      }),
    fail: (runId, { workerId, signal, ...failure }) =>
      report({
        what: `report job ${runId} as failed`,
        path: at(runId, "failed"),
        body: { worker_id: workerId, ...failure },
        signal,
      }),
    release: (runId, { workerId, token, reason, signal }) =>
      report({
        what: `give back job ${runId}`,
        path: at(runId, "release"),
        body: { worker_id: workerId, token, reason },
        signal,
      }, (error) => isLost(error) && (error as JobsError).code !== undefined),
    async running(workerId, signal) {
      const what = "list the jobs held";
      const path = `/jobs/running?worker_id=${encodeURIComponent(workerId)}`;
      const reply = z.object({ jobs: z.array(protocol.claimedJob) });
      return required(await call({ what, method: "GET", path, signal, repeat: true, reply }), what).jobs;
    },
    async submit(job, signal) {
      const what = "submit the job";
      const options = { ...job.options, run_id: job.options?.run_id ?? crypto.randomUUID() };
      const reply = z.object({ run_id: z.string(), created: z.boolean().optional() });
      const body = { ...job, options };
      return required(
        await call({ what, method: "POST", path: "/jobs", body, signal, repeat: true, reply }),
        what,
      );
    },
    async get(runId, signal) {
      const what = `look at job ${runId}`;
      return required(
        await call({ what, method: "GET", path: at(runId), signal, repeat: true, reply: protocol.job }),
        what,
      );
    },
    async cancel(runId, { reason, withinSeconds, signal } = {}) {
      const what = `cancel job ${runId}`;
      const body = { reason, within_seconds: withinSeconds };
      const reply = z.object({
        run_id: z.string(),
        state: z.enum(protocol.JOB_STATES),
        cancel_requested: z.boolean(),
      });
      const path = at(runId, "cancel");
      return required(await call({ what, method: "POST", path, body, signal, repeat: true, reply }), what);
    },
    async list({ states, workerId, limit, cursor, signal } = {}) {
      const what = "list the jobs";
      const query = new URLSearchParams();
      if (states?.length) query.set("state", states.join(","));
      if (workerId !== undefined) query.set("worker_id", workerId);
      if (limit !== undefined) query.set("limit", String(limit));
      if (cursor !== undefined) query.set("cursor", cursor);
      const reply = z.object({ jobs: z.array(protocol.jobLine), next_cursor: z.string().nullable() });
      const path = `/jobs${query.size > 0 ? `?${query}` : ""}`;
      return required(await call({ what, method: "GET", path, signal, repeat: true, reply }), what);
    },
  };
}

/** The server's words for mistakes in the configuration: they say nothing of the job. */
const MISTAKES = ["forbidden", "foreign_host", "foreign_origin", "not_found"];

/** Whether the claim has passed on. Old servers give no word for it, only the status. */
function isLost(error: unknown): boolean {
  return error instanceof JobsError && [403, 404, 409].includes(error.status ?? 0) &&
    !MISTAKES.includes(error.code ?? "");
}
