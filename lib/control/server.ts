/** The control API and the dashboard, on this machine only. */
import { Hono } from "hono";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Database } from "../database/database.ts";
import type { Service } from "../service.ts";
import { agentRoutes, type SupervisedAgents } from "./agent_routes.ts";
import { answerError, ApiError } from "./api_error.ts";
import { approvalRoutes } from "./approval_routes.ts";
import { disputeRoutes } from "./dispute_routes.ts";
import { authenticated, type GuardedEnv, noForeignPages, ownHostOnly } from "./guard.ts";
import { type ControlledWorker, healthRoutes } from "./health.ts";
import { serveUntil } from "./listen.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import { observedRequests, type RequestObserver } from "./observed_requests.ts";
import { pageRoutes, safeHeaders } from "./page.ts";
import { type ControlledScheduler, scheduleRoutes } from "./schedule_routes.ts";
import { restRoutes } from "./rest.ts";
import { codeRoute, signInRoute } from "./session_routes.ts";
import { newSessions } from "./sessions.ts";
import { snapshotRoute } from "./snapshot_route.ts";
import { taskRoutes } from "./task_routes.ts";

/** What the control API is made of. */
export interface ControlOptions {
  readonly worker: ControlledWorker;
  /** Answers below /agents. */
  readonly agents?: SupervisedAgents;
  readonly database: Database;
  /** Whether the database is the embedded one, which others reach through /rest/v1. */
  readonly embedded: boolean;
  /** Copies the embedded database's data for a dump, and says where to. */
  readonly snapshot?: () => Promise<string>;
  /** The secret of the token file. */
  readonly token: string;
  readonly clock?: Clock;
  /** Where this worker fires routines. */
  readonly scheduler?: ControlledScheduler;
  /** The text of `GET /metrics`. */
  readonly metrics?: () => Promise<string>;
  /** Told of every request that was answered. */
  readonly observe?: RequestObserver;
  /** Answers below /api/v1, which have a guard of their own: the jobs server, where it is enabled. */
  readonly jobs?: { fetch(request: Request): Response | Promise<Response> };
}

/** What the server needs besides. */
export interface ControlServerOptions extends ControlOptions {
  readonly config: Pick<Config, "controlHost" | "controlPort">;
  readonly onListen?: (port: number) => void;
}

/** Serves the control API until it is stopped. */
export function controlServer({ config, onListen, ...options }: ControlServerOptions): Service {
  return {
    name: "control API",
    run(signal) {
      let port = config.controlPort;
      const app = controlApp(options, () => port);
      return serveUntil(signal, {
        name: "The control API",
        hostname: config.controlHost,
        port,
        setting: "WORKER_HEALTH_PORT or --control-port",
        answer: app.fetch,
        onListen(real) {
          port = real;
          onListen?.(real);
        },
      });
    },
  };
}

/** The answers of the control API. What stands above `authenticated` needs no secret. */
export function controlApp(options: ControlOptions, port: () => number): Hono<GuardedEnv> {
  const { worker, database, token, jobs, clock = systemClock } = options;
  const sessions = newSessions(clock);
  const app = new Hono<GuardedEnv>();
  if (options.observe) app.use(observedRequests(options.observe, clock));
  app.onError(answerError);
  app.notFound((c) => {
    throw new ApiError(404, "not_found", `There is no ${c.req.method} ${c.req.path.slice(0, 100)}`);
  });
  app.use(safeHeaders(), ownHostOnly(port), noForeignPages());
  app.route("/", pageRoutes());
  app.route("/", healthRoutes(worker));
  app.route("/", signInRoute(sessions));
  if (jobs) app.all("/api/v1/*", (c) => jobs.fetch(c.req.raw));
  app.use(authenticated(token, sessions.sessions));
  app.route("/", codeRoute(sessions));
  if (options.metrics) app.route("/", metricsRoutes(options.metrics));
  app.get("/status", async (c) => c.json(await worker.status()));
  app.route("/", taskRoutes(database, worker));
  app.route("/", approvalRoutes(database, () => worker.wake()));
  app.route("/", disputeRoutes(database));
  app.route("/", scheduleRoutes(database, options.scheduler));
  if (options.agents) app.route("/", agentRoutes(options.agents, database));
  if (options.embedded) app.route("/", restRoutes(database));
  if (options.snapshot) app.route("/", snapshotRoute(options.snapshot));
  return app;
}
