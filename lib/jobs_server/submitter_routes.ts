/** What those who want work done ask: put in, look, list, cancel. */
import { Hono } from "hono";
import { z } from "zod";
import { API, cancellation, JOB_STATES, type JobState, submission, workerId } from "../jobs/protocol.ts";
import { logger } from "../log.ts";
import { bodyOf, fieldOf } from "./body.ts";
import { mayLookAt, maySubmit } from "./callers.ts";
import { jobOf, type JobsEnv, type Surroundings } from "./environment.ts";
import { refuseUnstorable } from "./storable.ts";

const idempotencyKey = z.string().min(1, "must not be empty").max(200, "must be at most 200 characters")
  .optional();
const limit = z.string().regex(/^([1-9]\d?|[1-4]\d\d|500)$/, "must be a whole number from 1 to 500")
  .optional();
const states = z.array(z.enum(JOB_STATES, `must be of ${JOB_STATES.join(", ")}`)).optional();

/** Submission and everything about jobs from outside. */
export function submitterRoutes({ store, maxBodyBytes }: Surroundings): Hono<JobsEnv> {
  const log = logger("jobs");
  return new Hono<JobsEnv>()
    .post(`${API}/jobs`, async (c) => {
      maySubmit(c.get("caller"));
      const key = fieldOf("Idempotency-Key", c.req.header("idempotency-key"), idempotencyKey);
      const body = await bodyOf(c.req.raw, submission, maxBodyBytes);
      refuseUnstorable(body);
      const { wdl, inputs, options, imports, priority, max_attempts, timeout_minutes } = body;
      const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== null));
      const submitted = await store.submit({
        // Without what was not given, so that null and nothing are the same request.
        request: {
          wdl,
          ...(inputs && { inputs }),
          ...(Object.keys(given).length > 0 && { options: given }),
          ...(imports && { imports }),
        },
        runId: options?.run_id,
        idempotencyKey: key,
        priority,
        maxAttempts: max_attempts,
        timeoutMinutes: timeout_minutes,
      });
      log.info(submitted.created ? "submitted" : "submitted again", { runId: submitted.run_id });
      return c.json(submitted);
    })
    .get(`${API}/jobs`, async (c) => {
      maySubmit(c.get("caller"));
      const query = c.req.query();
      return c.json(
        await store.list({
          states: statesOf(query.state),
          workerId: query.worker_id && fieldOf("worker_id", query.worker_id, workerId),
          limit: Number(fieldOf("limit", query.limit, limit) ?? 50),
          cursor: query.cursor || undefined,
        }),
      );
    })
    .get(`${API}/jobs/:run_id`, async (c) => {
      const job = await store.get(jobOf(c));
      mayLookAt(c.get("caller"), job);
      return c.json(job);
    })
    .post(`${API}/jobs/:run_id/cancel`, async (c) => {
      maySubmit(c.get("caller"));
      const runId = jobOf(c);
      const { reason, within_seconds } = await bodyOf(c.req.raw, cancellation, maxBodyBytes);
      refuseUnstorable({ reason });
      const canceled = await store.cancel(runId, reason ?? undefined, within_seconds ?? undefined);
      log.info("cancel asked for", { runId, state: canceled.state });
      return c.json(canceled);
    });
}

function statesOf(text: string | undefined): JobState[] | undefined {
  if (!text) return undefined;
  return fieldOf("state", text.split(",").map((word) => word.trim()), states);
}
