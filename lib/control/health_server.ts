/** The server for probes: GET only, no secrets. */
import { Hono } from "hono";
import type { Config } from "../config.ts";
import type { Service } from "../service.ts";
import { answerError, ApiError } from "./api_error.ts";
import { ownHostOnly } from "./guard.ts";
import { type ControlledWorker, healthRoutes } from "./health.ts";
import { serveUntil } from "./listen.ts";

/** What the health server is made of. */
export interface HealthServerOptions {
  readonly config: Pick<Config, "controlHost" | "healthPort">;
  readonly worker: ControlledWorker;
  readonly onListen?: (port: number) => void;
}

/** Serves `GET /health` and `GET /ready` until it is stopped. */
export function healthServer({ config, worker, onListen }: HealthServerOptions): Service {
  return {
    name: "health server",
    run(signal) {
      let port = config.healthPort;
      const app = healthApp(worker, () => port);
      return serveUntil(signal, {
        name: "The health server",
        hostname: config.controlHost,
        port,
        setting: "WORKER_PROBE_PORT or --health-port",
        answer: app.fetch,
        onListen(real) {
          port = real;
          onListen?.(real);
        },
      });
    },
  };
}

/** The answers of the health server. */
export function healthApp(worker: ControlledWorker, port: () => number): Hono {
  const app = new Hono();
  app.onError(answerError);
  app.notFound(() => {
    throw new ApiError(404, "not_found", "There are GET /health and GET /ready");
  });
  app.use(ownHostOnly({ port }), async (c, next) => {
    c.header("Cache-Control", "no-store");
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.header("Allow", "GET, HEAD");
      throw new ApiError(405, "method_not_allowed", "Only GET and HEAD are answered here");
    }
    await next();
  });
  return app.route("/", healthRoutes(worker));
}
