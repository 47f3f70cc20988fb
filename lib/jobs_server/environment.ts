/** What the routes of the jobs API share. */
import type { Context } from "hono";
import { runId } from "../jobs/protocol.ts";
import { fieldOf } from "./body.ts";
import type { Caller } from "./callers.ts";
import type { ClaimDesk } from "./claim_desk.ts";
import type { JobStore } from "./store.ts";

/** What the guard tells the routes. */
export interface JobsEnv {
  Variables: { caller: Caller };
}

/** What the routes work with. */
export interface Surroundings {
  readonly store: JobStore;
  readonly desk: ClaimDesk;
  readonly leaseSeconds: number;
  /** How often workers that do not wait should ask, in seconds. */
  readonly pollSeconds: number;
  readonly maxBodyBytes: number;
}

/** The job that the path names. @throws ApiError 400 */
export function jobOf(c: Context<JobsEnv>): string {
  return fieldOf("run_id", c.req.param("run_id"), runId);
}
