/** How the worker fares, for those who have the token. */
import type { ControlledWorker } from "../health.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";
import { workerStatus } from "./status_schemas.ts";

/** `GET /status`. */
export function statusRoutes(worker: ControlledWorker): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/status",
    tag: "status",
    summary: "As GET /health",
    answer: { description: "What the worker knows of itself", schema: workerStatus },
  }, () => worker.status());
  return app;
}
