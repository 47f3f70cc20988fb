/** Descriptions of the routes that are not made with `addRoute`: probes, streams, the page's session, PostgREST's rpc. */
import { createRoute } from "@hono/zod-openapi";
import { z, type ZodType } from "zod";
import { readiness, workerStatus } from "../routes/status_schemas.ts";
import { type ApiRoutes, errorAnswers, errorBody, operationId } from "./route.ts";

interface PlainRoute {
  readonly method: "get" | "post";
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: ZodType;
  readonly ok: { readonly description: string; readonly type?: string; readonly schema: ZodType };
  readonly more?: Readonly<Record<number, { readonly description: string; readonly schema: ZodType }>>;
  readonly errors: readonly number[];
  /** Answered without a secret. */
  readonly open?: boolean;
}

const expiry = z.int().meta({ example: 60 });
/** PostgREST's form of an error. */
const restError = z.object({
  code: z.string(),
  message: z.string(),
  details: z.unknown(),
  hint: z.unknown(),
}).meta({
  id: "RestError",
  example: { code: "PGRST202", message: "actp_x has no argument", details: null, hint: null },
});

const ROUTES: readonly PlainRoute[] = [
  {
    method: "get",
    path: "/health",
    tag: "status",
    summary: "How the worker fares: 200 as long as it lives",
    ok: { description: "What it knows of itself", schema: workerStatus },
    errors: [403, 500],
    open: true,
  },
  {
    method: "get",
    path: "/ready",
    tag: "status",
    summary: "Whether the worker takes work",
    ok: { description: "It does", schema: readiness },
    more: { 503: { description: "It does not", schema: readiness } },
    errors: [403, 500],
    open: true,
  },
  {
    method: "get",
    path: "/metrics",
    tag: "status",
    summary: "Figures for Prometheus",
    ok: { description: "Prometheus' text format", type: "text/plain", schema: z.string() },
    errors: [401, 403, 404, 429, 500],
  },
  {
    method: "get",
    path: "/openapi.json",
    tag: "status",
    summary: "This description",
    ok: { description: "OpenAPI 3.1", schema: z.record(z.string(), z.unknown()) },
    errors: [401, 403, 429, 500],
  },
  {
    method: "get",
    path: "/events",
    tag: "events",
    summary: "Every change as it happens, as server-sent events; the first is a snapshot",
    headers: z.object({
      "last-event-id": z.string().max(100).optional().meta({
        description: "The id of the last event that was seen: those after it are sent again.",
      }),
    }),
    ok: {
      description:
        "snapshot, status, task, agent, agent_run, approval, routine, queue and alert; a comment every 15 s",
      type: "text/event-stream",
      schema: z.string(),
    },
    errors: [401, 403, 500, 503],
  },
  {
    method: "post",
    path: "/session",
    tag: "session",
    summary: "The dashboard's page trades a one-time code for its cookie",
    body: z.object({ code: z.string() }).meta({ id: "SessionCode", example: { code: "…" } }),
    ok: { description: "The cookie is set", schema: z.object({ expires_in_seconds: expiry }) },
    errors: [400, 401, 403, 408, 413, 415, 500],
    open: true,
  },
  {
    method: "post",
    path: "/session/code",
    tag: "session",
    summary: "A one-time code for the dashboard's page; only with a token",
    ok: {
      description: "The code",
      schema: z.object({ code: z.string(), expires_in_seconds: expiry }),
    },
    errors: [401, 403, 429, 500],
  },
  {
    method: "post",
    path: "/database/snapshot",
    tag: "database",
    summary:
      "Copy the embedded database's data into a folder of the home; `db dump` asks for it and removes it",
    ok: { description: "Where the copy is", schema: z.object({ folder: z.string() }) },
    errors: [401, 403, 429, 500, 507],
  },
  {
    method: "post",
    path: "/rest/v1/rpc/{fn}",
    tag: "database",
    summary:
      "Call a function of the embedded database, as PostgREST does; only where the database is embedded",
    params: z.object({ fn: z.string().meta({ pattern: "^actp_[a-z_]+$", example: "actp_list_workers" }) }),
    body: z.record(z.string(), z.unknown()).meta({
      id: "RpcArguments",
      description: "The named arguments.",
      example: { p_worker_id: "worker-macbook-01" },
    }),
    ok: { description: "The function's result", schema: z.unknown() },
    more: Object.fromEntries(
      [400, 401, 403, 404, 408, 409, 413, 429, 500, 503].map((
        status,
      ) => [status, { description: "Told in PostgREST's form", schema: restError }]),
    ),
    errors: [],
  },
];

/** Describes them beside the routes of `app`. */
export function describePlainRoutes(app: ApiRoutes): void {
  for (const { method, path, tag, summary, params, headers, body, ok, more, errors, open } of ROUTES) {
    const json = (schema: ZodType) => ({ "application/json": { schema } });
    app.openAPIRegistry.registerPath(createRoute({
      method,
      path,
      tags: [tag],
      operationId: operationId(method, path),
      summary,
      ...(open && { security: [] }),
      request: {
        ...(params && { params }),
        ...(headers && { headers }),
        ...(body && { body: { required: true, content: json(body) } }),
      },
      responses: {
        200: {
          description: ok.description,
          content: { [ok.type ?? "application/json"]: { schema: ok.schema } },
        },
        ...errorAnswers(errors),
        ...Object.fromEntries(
          Object.entries(more ?? {}).map((
            [status, answer],
          ) => [status, { description: answer.description, content: json(answer.schema) }]),
        ),
      },
    }));
  }
  app.openAPIRegistry.register("ApiError", errorBody);
}
