/** What Prometheus scrapes. */
import { Hono } from "hono";

/** Text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** `GET /metrics`; for readers behind the guard. */
export function metricsRoutes(metrics: () => Promise<string>): Hono {
  return new Hono().get("/metrics", async (c) => c.body(await metrics(), 200, { "Content-Type": TYPE }));
}
