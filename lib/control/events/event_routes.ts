/** `GET /events`: what happens, as it happens. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { isChange } from "../access/scopes.ts";
import type { GuardedEnv } from "../guard.ts";
import type { EventHub } from "./hub.ts";

/** What the OpenAPI document says of it. */
export const EVENTS_ROUTE = createRoute({
  method: "get",
  path: "/events",
  tags: ["events"],
  summary: "A stream of server-sent events",
  description:
    "First a `snapshot`, then `status`, `task`, `agent`, `agent_run`, `approval`, `routine`, `queue` and `alert` as they " +
    "happen. With the Last-Event-ID of an earlier stream what was missed comes in place of the snapshot, as long as it is " +
    "kept. A comment every 15 seconds keeps the connection alive. Who reads too slowly is cut off.",
  request: {
    headers: z.object({ "last-event-id": z.string().optional().openapi({ example: "5d0c9f3a-41" }) }),
  },
  responses: {
    200: { description: "The stream", content: { "text/event-stream": { schema: z.string() } } },
    503: { description: "Too many streams: `too_many_streams`" },
  },
});

/** `GET /events`. */
export function eventRoutes(hub: EventHub): OpenAPIHono<GuardedEnv> {
  const app = new OpenAPIHono<GuardedEnv>();
  app.openAPIRegistry.registerPath(EVENTS_ROUTE);
  app.get("/events", (c) => hub.stream(c.req.raw, c.get("stillHolds")));
  return app;
}

const TASK = /^\/tasks\/([0-9a-f-]{36})\//i;

/** Has the hub look at what a request has changed, so that it is told at once. */
export function looksAfterChanges(hub: EventHub): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    await next();
    if (hub.active && c.res.ok && isChange(c.req.method, c.req.path)) hub.look(TASK.exec(c.req.path)?.[1]);
  };
}
