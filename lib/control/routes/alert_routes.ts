/** What needs a person now, and what people were told. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import type { Alert } from "../alerts.ts";
import { before, fields, nextCursor, page, word } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";

const tag = "alerts";
const alert = z.object({
  id: z.string().meta({ description: "Stays the same for as long as it is so." }),
  at: z.string(),
  severity: z.enum(["critical", "warning", "info"]),
  kind: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
}).meta({
  id: "Alert",
  example: {
    id: "dead_tasks",
    at: "2026-11-20T18:00:00+00:00",
    severity: "warning",
    kind: "dead_tasks",
    message: "2 tasks have failed for good within a day",
    details: { count: 2, newest: [], fix: "See why, and retry what should be done." },
  },
});
const NOTIFICATION_STATUSES = ["waiting", "sending", "sent", "failed"] as const;
const notification = z.object({
  id: z.string(),
  channel: z.string(),
  kind: z.string(),
  severity: z.enum(["info", "warning", "alert"]),
  title: z.string(),
  body: z.string(),
  data: z.unknown(),
  repeats: z.int().meta({ description: "How often it came again and was not sent again." }),
  status: z.enum(NOTIFICATION_STATUSES),
  attempts: z.int(),
  due_at: z.string(),
  expires_at: z.string(),
  error: z.string().nullable(),
  raised_by: z.string().nullable(),
  created_at: z.string(),
  settled_at: z.string().nullable(),
}).meta({
  id: "Notification",
  example: {
    id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    channel: "telegram",
    kind: "routine_failed",
    severity: "warning",
    title: "daily-report failed",
    body: "exit code 1",
    data: null,
    repeats: 0,
    status: "sent",
    attempts: 1,
    due_at: "2026-11-20T18:00:00+00:00",
    expires_at: "2026-11-21T18:00:00+00:00",
    error: null,
    raised_by: "worker-macbook-01",
    created_at: "2026-11-20T18:00:00+00:00",
    settled_at: "2026-11-20T18:00:01+00:00",
  },
});

/** `GET /alerts` and `GET /notifications`. */
export function alertRoutes(database: Database, alerts: () => Promise<readonly Alert[]>): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/alerts",
    tag,
    summary: "What needs a person now, the worst first",
    answer: { description: "All of it", schema: z.object({ alerts: z.array(alert) }) },
  }, async () => ({ alerts: await alerts() }));
  addRoute(app, {
    method: "get",
    path: "/notifications",
    tag,
    summary: "What people were told, or should be, newest first",
    query: fields("parameter", { status: word(NOTIFICATION_STATUSES).optional(), ...page() }),
    answer: {
      description: "A page",
      schema: z.object({ notifications: z.array(notification), next_cursor: z.string().nullable() }),
    },
  }, async ({ query }) => {
    const notifications = await database.call<{ id: string }[]>("actp_list_notifications", {
      p_status: query.status ?? null,
      p_limit: query.limit,
      p_before: before(query),
    });
    return { notifications, next_cursor: nextCursor(notifications, query.limit) };
  });
  return app;
}
