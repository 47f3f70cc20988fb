/** What the jobs API says of itself (OpenAPI 3.1). The routes check what is sent by these same schemas. */
import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { z, type ZodType } from "zod";
import * as protocol from "../jobs/protocol.ts";
import { VERSION } from "../version.ts";

const errorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() }),
}).meta({
  id: "Error",
  example: { error: { code: "unknown_job", message: "There is no job hello-1" } },
});

const ERRORS: Readonly<Record<number, string>> = {
  400: "bad_json, bad_request: `details` lists every bad field as {field, message}",
  401: "unauthorized: no token, or one that is unknown or revoked",
  403: "forbidden: the token is not for this; not_owner: another worker holds the job",
  404: "unknown_job",
  409: "stale_token, not_running, timed_out, conflicting_report, conflicting_job, worker_id_taken",
  413: "too_large",
  503: "database_unavailable: ask again after Retry-After seconds",
};

const json = (schema: ZodType) => ({ "application/json": { schema } });
const jobPath = z.object({ run_id: protocol.runId });
const created = z.object({ run_id: z.string(), created: z.boolean() }).meta({
  id: "Submitted",
  example: { run_id: "hello-1", created: true },
});
const canceled = z.object({
  run_id: z.string(),
  state: z.enum(protocol.JOB_STATES),
  cancel_requested: z.boolean(),
}).meta({ id: "Canceled", example: { run_id: "hello-1", state: "Running", cancel_requested: true } });
const cancelNow = z.object({ cancel: z.literal(true), reason: z.string().nullable() }).meta({
  id: "CancelNow",
  example: { cancel: true, reason: "no longer needed" },
});

interface Call {
  readonly method: "get" | "post";
  readonly path: string;
  readonly summary: string;
  readonly body?: ZodType;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly ok?: { readonly schema: ZodType; readonly description: string };
  /** What 204 means; there is none without it. */
  readonly empty?: string;
  readonly errors: readonly number[];
}

const CALLS: readonly Call[] = [
  {
    method: "post",
    path: "/jobs",
    summary: "Put in a job",
    body: protocol.submission,
    headers: z.object({
      "idempotency-key": z.string().max(200).optional().meta({
        description: "The same key with the same body is the same job. A run_id does the same.",
      }),
    }),
    ok: { schema: created, description: "The job, made now or before by the same request" },
    errors: [400, 401, 403, 409, 413, 503],
  },
  {
    method: "get",
    path: "/jobs",
    summary: "List jobs, newest first",
    query: z.object({
      state: z.string().optional().meta({
        description: `Of ${protocol.JOB_STATES.join(", ")}; with commas between several.`,
        example: "Failed,TimedOut",
      }),
      worker_id: z.string().optional(),
      limit: z.string().optional().meta({ description: "1 to 500; 50 unless given.", example: "20" }),
      cursor: z.string().optional().meta({ description: "next_cursor of the page before." }),
    }),
    ok: {
      schema: z.object({ jobs: z.array(protocol.jobLine), next_cursor: z.string().nullable() }),
      description: "A page",
    },
    errors: [400, 401, 403, 503],
  },
  {
    method: "get",
    path: "/jobs/{run_id}",
    summary: "A job with its result",
    ok: { schema: protocol.job, description: "The job; its result is null until it has ended" },
    errors: [400, 401, 403, 404, 503],
  },
  {
    method: "post",
    path: "/jobs/{run_id}/cancel",
    summary: "Cancel a job: at once when it waits; when it runs, its worker is told with its next heartbeat",
    body: protocol.cancellation,
    ok: { schema: canceled, description: "Where it stands; one that has ended stays as it is" },
    errors: [400, 401, 403, 404, 503],
  },
  {
    method: "post",
    path: "/workers/register",
    summary: "Introduce a worker; without a worker_id it is given one",
    body: protocol.registration,
    ok: { schema: protocol.terms, description: "Its id and the server's intervals" },
    errors: [400, 401, 403, 409, 503],
  },
  {
    method: "post",
    path: "/jobs/claim",
    summary: "Take the next job",
    body: protocol.claimRequest,
    query: z.object({
      wait: z.string().optional().meta({
        description: `Wait so many seconds for one, at most ${protocol.MAX_WAIT_SECONDS}.`,
        example: "30",
      }),
    }),
    ok: { schema: protocol.claimedJob, description: "A job" },
    empty: "There is none; ask again after Retry-After seconds",
    errors: [400, 401, 403, 503],
  },
  {
    method: "get",
    path: "/jobs/running",
    summary: "What a worker holds, for one that has been restarted",
    query: z.object({ worker_id: protocol.workerId }),
    ok: { schema: z.object({ jobs: z.array(protocol.claimedJob) }), description: "The jobs, as claimed" },
    errors: [400, 401, 403, 503],
  },
  {
    method: "post",
    path: "/jobs/{run_id}/heartbeat",
    summary: "A sign of life: renews the lease",
    body: protocol.heartbeat,
    ok: { schema: cancelNow, description: "Stop, and report with /failed" },
    empty: "Go on",
    errors: [400, 401, 403, 404, 409, 503],
  },
  {
    method: "post",
    path: "/jobs/{run_id}/complete",
    summary: "It is done",
    body: protocol.completion,
    empty: "Taken, now or before",
    errors: [400, 401, 403, 404, 409, 413, 503],
  },
  {
    method: "post",
    path: "/jobs/{run_id}/failed",
    summary: "It failed; with `retry`, through no fault of the workflow",
    body: protocol.failure,
    empty: "Taken, now or before",
    errors: [400, 401, 403, 404, 409, 413, 503],
  },
  {
    method: "post",
    path: "/jobs/{run_id}/release",
    summary: "Give it back untouched; the attempt does not count",
    body: protocol.release,
    empty: "Taken, now or before",
    errors: [400, 401, 403, 404, 409, 503],
  },
];

/** The whole description. */
export function describeApi(): ReturnType<OpenAPIHono["getOpenAPI31Document"]> {
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  for (const call of CALLS) registry.registerPath(routeOf(call));
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "actp-worker jobs",
      version: VERSION,
      description: "WDL jobs for workers anywhere; they are tasks of type wdl_run in the task queue.",
    },
    security: [{ bearer: [] }],
  });
}

function routeOf({ method, path, summary, body, query, headers, ok, empty, errors }: Call) {
  return createRoute({
    method,
    path: protocol.API + path,
    summary,
    request: {
      ...(path.includes("{run_id}") && { params: jobPath }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && { body: { required: true, content: json(body) } }),
    },
    responses: {
      ...(ok && { 200: { description: ok.description, content: json(ok.schema) } }),
      ...(empty && { 204: { description: empty } }),
      ...Object.fromEntries(
        errors.map((status) => [status, { description: ERRORS[status]!, content: json(errorBody) }]),
      ),
    },
  });
}
