/** What workers ask: introduce themselves, claim, tell that they live, report. */
import { Hono } from "hono";
import { z } from "zod";
import { randomSecret } from "../control/token.ts";
import {
  API,
  claimRequest,
  completion,
  failure,
  heartbeat,
  MAX_WAIT_SECONDS,
  registration,
  release,
  workerId,
} from "../jobs/protocol.ts";
import { logger } from "../log.ts";
import { bodyOf, fieldOf } from "./body.ts";
import { mayWorkAs } from "./callers.ts";
import { jobOf, type JobsEnv, type Surroundings } from "./environment.ts";
import { storable } from "./storable.ts";
import type { Ending, Holder } from "./store.ts";

const waitSeconds = z.string().regex(/^\d{1,6}(\.\d{1,3})?$/, "must be a number of seconds").optional();
/** Of a failure's message, in characters: its beginning is kept. */
const MAX_MESSAGE = 16_384;
/** Of a failed program's stderr, in characters: its end is kept. */
const MAX_STDERR = 65_536;

/** Everything that a worker says. */
export function workerRoutes(surroundings: Surroundings): Hono<JobsEnv> {
  const { store, desk, leaseSeconds, pollSeconds, maxBodyBytes } = surroundings;
  const log = logger("jobs");

  async function finish(holder: Holder, ending: Ending): Promise<void> {
    const { state } = await store.finish(holder, ending);
    log.info(`${ending.outcome}: now ${state}`, { runId: holder.runId, workerId: holder.workerId });
    if (state === "Pending") desk.wake();
  }

  return new Hono<JobsEnv>()
    .post(`${API}/workers/register`, async (c) => {
      const caller = c.get("caller");
      const { worker_id, hostname, version, max_jobs } = await bodyOf(c.req.raw, registration, maxBodyBytes);
      const own = caller.role === "worker" ? caller.workerId : `worker-${randomSecret().slice(0, 12)}`;
      const id = worker_id ?? own;
      mayWorkAs(caller, id);
      await store.register(
        storable({ worker_id: id, hostname, version, max_concurrent: max_jobs ?? 1 }),
      );
      return c.json({
        worker_id: id,
        lease_seconds: leaseSeconds,
        heartbeat_seconds: leaseSeconds / 2,
        poll_seconds: pollSeconds,
        max_wait_seconds: MAX_WAIT_SECONDS,
      });
    })
    .post(`${API}/jobs/claim`, async (c) => {
      const { worker_id } = await bodyOf(c.req.raw, claimRequest, maxBodyBytes);
      mayWorkAs(c.get("caller"), worker_id);
      const asked = Number(fieldOf("wait", c.req.query("wait"), waitSeconds) ?? 0);
      const waitMs = Math.min(asked, MAX_WAIT_SECONDS) * 1000;
      const job = await untilGone(c.req.raw, (gone) => desk.claim(worker_id, waitMs, gone));
      if (!job) {
        if (asked === 0) c.header("Retry-After", String(Math.ceil(pollSeconds)));
        return c.body(null, 204);
      }
      log.info("claimed", { runId: job.run_id, workerId: worker_id, attempt: job.attempt });
      return c.json(job);
    })
    .get(`${API}/jobs/running`, async (c) => {
      const id = fieldOf("worker_id", c.req.query("worker_id"), workerId);
      mayWorkAs(c.get("caller"), id);
      return c.json({ jobs: await store.running(id) });
    })
    .post(`${API}/jobs/:run_id/heartbeat`, async (c) => {
      const runId = jobOf(c);
      const { worker_id, token, progress } = await bodyOf(c.req.raw, heartbeat, maxBodyBytes);
      mayWorkAs(c.get("caller"), worker_id);
      const { cancel, reason } = await store.heartbeat(
        { runId, workerId: worker_id, token },
        storable(progress),
      );
      return cancel ? c.json({ cancel, reason }) : c.body(null, 204);
    })
    .post(`${API}/jobs/:run_id/complete`, async (c) => {
      const runId = jobOf(c);
      const { worker_id, token, response } = await bodyOf(c.req.raw, completion, maxBodyBytes);
      mayWorkAs(c.get("caller"), worker_id);
      const duration_ms = response.duration_ms ?? undefined;
      const output = storable(response);
      await finish({ runId, workerId: worker_id, token }, { outcome: "done", output, duration_ms });
      return c.body(null, 204);
    })
    .post(`${API}/jobs/:run_id/failed`, async (c) => {
      const runId = jobOf(c);
      const body = await bodyOf(c.req.raw, failure, maxBodyBytes);
      mayWorkAs(c.get("caller"), body.worker_id);
      await finish({ runId, workerId: body.worker_id, token: body.token }, {
        outcome: body.timed_out ? "timed_out" : "failed",
        error: storable(body.message).slice(0, MAX_MESSAGE).toWellFormed(),
        stderr: body.stderr ? storable(body.stderr).slice(-MAX_STDERR).toWellFormed() : undefined,
        exit_code: body.exit_code ?? undefined,
        retry: body.retry ?? false,
      });
      return c.body(null, 204);
    })
    .post(`${API}/jobs/:run_id/release`, async (c) => {
      const runId = jobOf(c);
      const { worker_id, token, reason } = await bodyOf(c.req.raw, release, maxBodyBytes);
      mayWorkAs(c.get("caller"), worker_id);
      const error = storable(reason) ?? undefined;
      await finish({ runId, workerId: worker_id, token }, { outcome: "released", error });
      return c.body(null, 204);
    });
}

/**
 * Gives `work` a signal that aborts when the client goes away before its answer. The request's own signal is let go of
 * before the answer: afterwards Deno aborts it in any case.
 */
async function untilGone<T>(request: Request, work: (gone: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController();
  const abort = () => gone.abort("the client went away");
  if (request.signal.aborted) abort();
  request.signal.addEventListener("abort", abort);
  try {
    return await work(gone.signal);
  } finally {
    request.signal.removeEventListener("abort", abort);
  }
}
