/** `/audit`: who changed what, and who was refused. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "../api_error.ts";
import type { GuardedEnv } from "../guard.ts";
import type { AuditLog } from "./audit.ts";
import { requireScope } from "./scopes.ts";

/** One entry as it is shown. */
export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  caller: z.string().describe(
    "`home token`, `token:<name>`, `dashboard`, `jobs API`; `unknown` was refused.",
  ),
  method: z.string(),
  path: z.string(),
  status: z.int().nullable().describe("Null: the worker ended before there was an answer."),
  summary: z.string().describe("What was asked, without secrets and cut."),
}).openapi("AuditEntry", {
  example: {
    id: "1042",
    at: "2026-11-29T12:00:00.000Z",
    caller: "token:laptop",
    method: "POST",
    path: "/tasks",
    status: 201,
    summary: "task_type=render input_data={3 fields}",
  },
});

const query = z.object({
  since: z.iso.datetime({ offset: true, error: "must be a time in ISO 8601" }).optional(),
  limit: z.string().regex(/^\d{1,3}$/).transform(Number).pipe(z.int().min(1).max(500)).optional()
    .openapi({ type: "integer", minimum: 1, maximum: 500, default: 50 }),
  cursor: z.string().regex(/^\d{1,15}$/, "is not a cursor of an earlier page").optional(),
});

/** What the OpenAPI document says of `/audit`. */
export const AUDIT_ROUTE = createRoute({
  method: "get",
  path: "/audit",
  tags: ["access"],
  summary: "Every change through this API, and every refused attempt",
  description: "Newest first. Needs the scope admin.",
  request: { query },
  responses: {
    200: {
      description: "One page",
      content: {
        "application/json": {
          schema: z.object({ entries: z.array(auditEntrySchema), next_cursor: z.string().nullable() }),
        },
      },
    },
  },
});

/** `GET /audit?since&limit&cursor`. */
export function auditRoutes(audit: AuditLog): OpenAPIHono<GuardedEnv> {
  const app = new OpenAPIHono<GuardedEnv>();
  app.openAPIRegistry.registerPath(AUDIT_ROUTE);
  app.get("/audit", requireScope("admin"), (c) => {
    const asked = query.safeParse(c.req.query());
    if (!asked.success) {
      const [{ path, message }] = asked.error.issues;
      throw new ApiError(400, "bad_request", `${path.join(".")} ${message}`);
    }
    const { since, limit, cursor } = asked.data;
    return c.json(
      audit.list({ since: since === undefined ? undefined : Date.parse(since), limit, before: cursor }),
    );
  });
  return app;
}
