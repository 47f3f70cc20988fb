/** A job in the words of the queue, and what became of it in the words of the jobs protocol. Pure. */
import type { ClaimedJob } from "../../jobs/client.ts";
import type { Outcome, Task } from "../../task/task.ts";

/** What is told to the server at an attempt's end. */
export type JobReport =
  | { readonly response: Record<string, unknown> }
  | {
    readonly message: string;
    readonly retry: boolean;
    readonly stderr?: string;
    readonly exit_code?: number;
    readonly timed_out?: boolean;
  }
  /** Given back untouched. */
  | { readonly reason: string };

const DAY_SECONDS = 86_400;

/** Fit for a file's and a folder's name: no path, no hidden file, no option. */
export function isUsableRunId(runId: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(runId);
}

/**
 * The task. `now`: ms since the epoch. Servers that give no token have none asked of them; so that one claim can be
 * told from the next, those get a token of our own: it grows as well, begins with a zero, and is never sent. `mark`: greater than before.
 */
export function taskOf(job: ClaimedJob, type: string, now: number, mark: number): Task {
  const { wdl, inputs, options, imports } = job.request;
  return {
    id: job.run_id,
    type,
    input: { wdl, inputs, options, imports },
    attempt: job.attempt ?? 1,
    maxAttempts: Math.max(job.max_attempts ?? 1, job.attempt ?? 1),
    priority: job.priority ?? 0,
    token: job.token ?? `0${mark}`,
    timeoutMs: (job.timeout_seconds ?? DAY_SECONDS) * 1000,
    // Without a lease nobody else gets the job, so that it is not given up in an outage either.
    leaseMs: job.lease_seconds === undefined ? undefined : job.lease_seconds * 1000,
    createdAt: new Date(job.created_at === undefined ? now : Date.parse(job.created_at) || now).toISOString(),
  };
}

/** The token as the server gave it; undefined if it gave none. */
export function serverToken(token: string): string | undefined {
  return token.startsWith("0") ? undefined : token;
}

/** The report of an outcome. */
export function reportOf(outcome: Outcome): JobReport {
  switch (outcome.kind) {
    case "done":
      return { response: responseOf(outcome.output) };
    case "failed": {
      const { error, retry, logTail, exitCode } = outcome;
      return {
        message: error,
        retry,
        ...logTail !== undefined && { stderr: logTail },
        ...exitCode !== undefined && { exit_code: exitCode },
      };
    }
    case "timedOut":
      return {
        message: outcome.error,
        retry: false,
        timed_out: true,
        ...outcome.logTail !== undefined && { stderr: outcome.logTail },
      };
    case "cancelled": // the server knows that it asked for it
      return { message: outcome.reason ? `canceled: ${outcome.reason}` : "canceled", retry: false };
    case "released":
      return { reason: outcome.reason.slice(0, 1000) };
  }
}

function responseOf(output: unknown): Record<string, unknown> {
  return typeof output === "object" && output !== null && !Array.isArray(output)
    ? output as Record<string, unknown>
    : { status: "ok", outputs: {}, stdout: JSON.stringify(output ?? null) };
}
