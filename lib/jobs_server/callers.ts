/** Who calls, and what each may do. */
import { ApiError } from "../control/api_error.ts";
import { digest, equalSecret } from "../control/token.ts";
import type { Database } from "../database/database.ts";

/**
 * `home`: the person of this machine, who may do everything. `worker`: the one worker whose token it is. `submit`: puts in
 * jobs and looks at them.
 */
export type Caller =
  | { readonly role: "home" }
  | { readonly role: "worker"; readonly workerId: string }
  | { readonly role: "submit" };

/** How callers are told apart. */
export interface CallerOptions {
  readonly database: Database;
  /** The secret of the home folder's token file. */
  readonly homeToken: string;
  /** Lets programs of this machine in without a token, as if they had the home token. */
  readonly open?: boolean;
}

const MAX_SECRET = 200;

/**
 * Finds out whose secret a request carries (`Authorization: Bearer` or `apikey`).
 * @throws {@link ApiError} 401
 */
export async function callerOf(
  header: (name: string) => string | undefined,
  options: CallerOptions,
): Promise<Caller> {
  const secret = /^Bearer (\S+)$/i.exec(header("authorization") ?? "")?.[1] ?? header("apikey");
  if (secret === undefined && options.open) return { role: "home" };
  if (secret !== undefined && secret.length <= MAX_SECRET) {
    if (equalSecret(secret, options.homeToken)) return { role: "home" };
    const known = await options.database.call<{ role?: "worker" | "submit"; worker_id?: string }>(
      "actp_use_job_token",
      { p_digest: digest(secret) },
    );
    if (known.role === "worker") return { role: "worker", workerId: known.worker_id! };
    if (known.role === "submit") return { role: "submit" };
  }
  throw new ApiError(
    401,
    "unauthorized",
    "Send the token of the server's home folder, or one of `actp-worker server tokens create`, as Authorization: Bearer",
  );
}

/** @throws {@link ApiError} 403 unless the caller may speak as this worker */
export function mayWorkAs(caller: Caller, workerId: string): void {
  if (caller.role === "home" || (caller.role === "worker" && caller.workerId === workerId)) return;
  throw forbidden(
    caller.role === "worker"
      ? `The token belongs to worker ${caller.workerId}, not to ${workerId}`
      : "The token is for submitting jobs, not for a worker",
  );
}

/** @throws {@link ApiError} 403 unless the caller may put in, list and cancel jobs */
export function maySubmit(caller: Caller): void {
  if (caller.role === "worker") {
    throw forbidden("A worker's token is not for submitting, listing or canceling jobs");
  }
}

/** @throws {@link ApiError} 403 for a worker that looks at a job which it does not hold and did not hold last */
export function mayLookAt(caller: Caller, job: { readonly worker_id?: string | null }): void {
  if (caller.role === "worker" && caller.workerId !== job.worker_id) {
    throw forbidden("A worker's token shows only the jobs that this worker holds");
  }
}

function forbidden(message: string): ApiError {
  return new ApiError(403, "forbidden", message);
}
