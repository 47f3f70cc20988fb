/** One way to make a route: it is described, its input is checked by the same schemas, and its answer is JSON. */
import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z, type ZodError, type ZodType } from "zod";
import { ApiError } from "../api_error.ts";
import { readJson } from "../body.ts";
import type { GuardedEnv } from "../guard.ts";
import { ERROR_CODES } from "./error_codes.ts";

/** An app whose routes are described in `/openapi.json`; what is made with {@link addRoute}. */
export type ApiRoutes = OpenAPIHono<GuardedEnv>;

/** Makes an app without routes. Mounted with `route("/", …)`, its descriptions go along. */
export function apiRoutes(): ApiRoutes {
  return new OpenAPIHono<GuardedEnv>({
    defaultHook: (result) => {
      if (!result.success) throw refusal(result.target, result.error);
    },
  });
}

/** What a route is. Path parameters stand in braces. */
export interface RouteSpec<Params extends ZodType, Query extends ZodType, Body extends ZodType> {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  readonly query?: Query;
  /** Without one, what is sent is not looked at. An empty body counts as `{}`. */
  readonly body?: Body;
  /** In bytes; 1 MiB unless told. */
  readonly maxBodyBytes?: number;
  readonly answer: {
    readonly status?: 200 | 201 | 202;
    readonly description: string;
    readonly schema: ZodType;
  };
  /** What it refuses besides the errors that every route has. */
  readonly errors?: readonly (403 | 404 | 409)[];
}

/** What a handler is given. */
export interface RouteInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly context: Context<GuardedEnv>;
}

/** Adds a route. What `handle` returns is answered as JSON; what it throws goes to the app's error handler. */
export function addRoute<
  Params extends ZodType = ZodType<Record<string, never>>,
  Query extends ZodType = ZodType<Record<string, never>>,
  Body extends ZodType = ZodType<undefined>,
>(
  app: ApiRoutes,
  spec: RouteSpec<Params, Query, Body>,
  handle: (
    input: RouteInput<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<unknown> | unknown,
): void {
  const { status = 200 } = spec.answer;
  app.openapi(describe(spec), async (context) => {
    const valid = (target: string) => context.req.valid(target as never);
    const answer = await handle({
      params: valid("param"),
      query: valid("query"),
      body: valid("json"),
      context: context as unknown as Context<GuardedEnv>,
    });
    return context.json(answer as never, status as ContentfulStatusCode) as never;
  });
}

function describe(spec: RouteSpec<ZodType, ZodType, ZodType>) {
  const { method, path, tag, summary, description, params, query, body, answer } = spec;
  const json = (schema: ZodType) => ({ "application/json": { schema } });
  return createRoute({
    method,
    path,
    tags: [tag],
    operationId: operationId(method, path),
    summary,
    ...(description && { description }),
    ...(body && { middleware: [jsonBody(spec.maxBodyBytes)] }),
    request: {
      ...(method === "post" && { headers: postHeaders }),
      ...(method === "get" && { headers: getHeaders }),
      ...(params && { params: params as z.ZodObject }),
      ...(query && { query: query as z.ZodObject }),
      ...(body && { body: { required: true, content: json(body) } }),
    },
    responses: {
      ...(method === "get" && { 304: { description: "As in the answer that If-None-Match names" } }),
      [answer.status ?? 200]: { description: answer.description, content: json(answer.schema) },
      ...errorAnswers([...usualErrors(spec), ...spec.errors ?? []]),
    },
  });
}

const postHeaders = z.object({
  "idempotency-key": z.string().optional().meta({
    description:
      "1 to 200 characters: the same request with it is done once, and answered alike for 24 hours.",
    example: "report-2026-11-20",
  }),
});
const getHeaders = z.object({
  "if-none-match": z.string().optional().meta({
    description: "The ETag of an earlier answer.",
    example: '"5d41402a"',
  }),
});

/** Who asks, for what is recorded with a change. */
export function askedBy(context: Context<GuardedEnv>): string {
  // Set by the guard where callers have names.
  return (context.var as { readonly caller?: string }).caller ?? "control API";
}

/** `GET /tasks/{id}` is `get_tasks_id`. */
export function operationId(method: string, path: string): string {
  return [method, ...path.split(/[^A-Za-z0-9]+/)].filter((part) => part !== "").join("_").toLowerCase();
}

function usualErrors({ method, body, query, params }: RouteSpec<ZodType, ZodType, ZodType>): number[] {
  const post = method === "post";
  return [
    ...(post || query || params ? [400] : []),
    ...(post ? [409] : []),
    ...(body ? [408, 413] : []),
    ...[401, 403, 429, 500, 503],
  ];
}

/** The body of every error. */
export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERROR_CODES) as [keyof typeof ERROR_CODES]),
    message: z.string(),
    details: z.unknown().optional(),
  }),
}).meta({ id: "ApiError", example: { error: { code: "not_found", message: "there is no task 0c5b5a3e" } } });

const ERROR_WORDS: Readonly<Record<number, string>> = {
  400: "bad_request, bad_json, cut_off, too_deep: what was sent cannot be meant",
  401: "unauthorized: send the token as Authorization: Bearer",
  403: "forbidden, token_needed, foreign_host, foreign_origin: not for this caller",
  404: "not_found",
  408: "too_slow",
  409: "conflict, idempotency_conflict, in_progress",
  413: "too_large",
  415: "not_json",
  429: "rate_limited: ask again after Retry-After seconds",
  500: "internal, database_failed: the worker's log tells why",
  503: "database_unavailable, stopping: ask again later",
};

/** The descriptions of these errors. */
export function errorAnswers(statuses: readonly number[]) {
  return Object.fromEntries(
    [...new Set(statuses)].sort().map((status) => [
      status,
      { description: ERROR_WORDS[status]!, content: { "application/json": { schema: errorBody } } },
    ]),
  );
}

/** Reads the body bounded, whatever content type it claims, and hands it on as JSON. */
function jsonBody(maxBytes?: number): MiddlewareHandler {
  return async (c, next) => {
    c.req.raw = withJson(c.req.raw, await readJson(c.req.raw, maxBytes) ?? {});
    await next();
  };
}

/** The same request with this body. */
export function withJson({ url, method, headers, signal }: Request, body: unknown): Request {
  const typed = new Headers(headers);
  typed.set("content-type", "application/json");
  typed.delete("content-length");
  return new Request(url, { method, headers: typed, body: JSON.stringify(body), signal });
}

/** Path parameters are told by their message alone: nobody wrote their names. */
function refusal(target: string, { issues }: ZodError): ApiError {
  // A field that is misspelt explains the one that is missing.
  const first = issues.toSorted((a, b) => misspelt(b) - misspelt(a));
  const details = first.slice(0, 20).map(({ path, message, code }) => ({
    field: code === "unrecognized_keys" || path.length === 0
      ? null
      : path.map(String).join(".").slice(0, 100),
    message: message.slice(0, 500),
  }));
  const words = details.map(({ field, message }) =>
    field === null || target === "param" || message.startsWith(`${field} `) ? message : `${field} ${message}`
  );
  return new ApiError(400, "bad_request", words.join("; "), details);
}

function misspelt({ code }: { readonly code?: string }): number {
  return Number(code === "unrecognized_keys");
}
