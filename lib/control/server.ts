/** The control API and the dashboard, on this machine only. */
import type { Hono } from "hono";
import { type Clock, systemClock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import type { Service } from "../service.ts";
import type { AccessFile } from "./access/access_file.ts";
import { auditedAttempts, auditedChanges } from "./access/audited.ts";
import { auditRoutes } from "./access/audit_routes.ts";
import { type ListenerConfig, listenEverywhere } from "./access/listeners.ts";
import { summarizer } from "./access/recorded.ts";
import { scopeOfTable } from "./access/scopes.ts";
import { tokenRoutes } from "./access/token_routes.ts";
import type { Alert } from "./alerts.ts";
import { currentAlerts } from "./current_alerts.ts";
import { eventRoutes, looksAfterChanges } from "./events/event_routes.ts";
import type { EventHub } from "./events/hub.ts";
import { AgentCosts } from "./routes/agent_costs.ts";
import { alertRoutes } from "./routes/alert_routes.ts";
import { type ReloadOutcome, reloadRoute } from "./routes/daemon_routes.ts";
import { queueRoutes } from "./routes/queue_routes.ts";
import { TaskWaits } from "./routes/task_waits.ts";
import { agentRoutes, type SupervisedAgents } from "./routes/agent_routes.ts";
import { answerError, ApiError } from "./api_error.ts";
import { approvalRoutes } from "./routes/approval_routes.ts";
import { disputeRoutes } from "./routes/dispute_routes.ts";
import { authenticated, type GuardedEnv, noForeignPages, ownHostOnly } from "./guard.ts";
import { type ControlledWorker, healthRoutes } from "./health.ts";
import { etags } from "./limits/etag.ts";
import { idempotent } from "./limits/idempotency.ts";
import { DEFAULT_RATE_LIMIT, type RateLimit, rateLimited } from "./limits/rate_limit.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import { observedRequests, type RequestObserver } from "./observed_requests.ts";
import { describeApp } from "./openapi/document.ts";
import { apiRoutes } from "./openapi/route.ts";
import { pageRoutes, safeHeaders } from "./page.ts";
import { type ControlledScheduler, scheduleRoutes } from "./routes/schedule_routes.ts";
import { restRoutes } from "./rest.ts";
import { codeRoute, signInRoute } from "./routes/session_routes.ts";
import { newSessions } from "./sessions.ts";
import { snapshotRoute } from "./snapshot_route.ts";
import { statusRoutes } from "./routes/status_routes.ts";
import { taskRoutes } from "./routes/task_routes.ts";
import { workerRoutes } from "./routes/worker_routes.ts";

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
  /** The tokens beside the home folder's own, and the audit log. */
  readonly access?: AccessFile;
  /** Values that the audit log must not tell. */
  readonly secrets?: readonly string[];
  /** Answers `/events`. */
  readonly events?: EventHub;
  /** Names besides this machine's own under which the server may be called; see `HostRules`. */
  readonly hostNames?: readonly string[];
  /** What agents have spent and may spend. */
  readonly costs?: AgentCosts;
  /** What needs a person now. */
  readonly alerts?: () => Promise<readonly Alert[]>;
  readonly rateLimit?: RateLimit;
  /** Takes a changed configuration in; answers `POST /reload`. */
  readonly reload?: () => Promise<ReloadOutcome>;
}

/** What the server needs besides. */
export interface ControlServerOptions extends ControlOptions {
  readonly config: ListenerConfig;
  readonly onListen?: (port: number) => void;
  /** Told the path of the socket in the file system, where there is one. */
  readonly onSocket?: (path: string) => void;
}

/** Serves the control API until it is stopped. */
export function controlServer({ config, onListen, onSocket, ...options }: ControlServerOptions): Service {
  return {
    name: "control API",
    run(signal) {
      let port = config.controlPort;
      let remotePort: number | undefined;
      const app = controlApp(
        { ...options, hostNames: config.remoteHosts },
        () => port,
        signal,
        () => remotePort,
      );
      return listenEverywhere(config, {
        answer: (request, transport) => app.fetch(request, { transport }),
        onListen(real) {
          port = real;
          onListen?.(real);
        },
        onRemote: (real) => remotePort = real,
        onSocket,
        clock: options.clock,
      }, signal);
    },
  };
}

/**
 * The answers of the control API. What stands above `authenticated` needs no secret. Routes made with `addRoute` are
 * described in `/openapi.json` by being mounted here; others are described in `openapi/plain_routes.ts`.
 * @param signal aborts when the worker stops: whoever waits for something is answered then
 */
export function controlApp(
  options: ControlOptions,
  port: () => number,
  signal: AbortSignal = new AbortController().signal,
  remotePort?: () => number | undefined,
): Hono<GuardedEnv> {
  const { worker, database, token, jobs, access, agents, scheduler, clock = systemClock } = options;
  const rules = { port, remotePort, names: options.hostNames };
  const audited = access && { audit: access.audit, summarize: summarizer([token, ...options.secrets ?? []]) };
  const sessions = newSessions(clock);
  const costs = options.costs ?? new AgentCosts(database, clock);
  const alerts = options.alerts ?? currentAlerts({ database, worker, clock, agents, costs });
  const waits = new TaskWaits({ database, clock, signal });
  const app = apiRoutes();
  if (options.observe) app.use(observedRequests(options.observe, clock));
  app.onError(answerError);
  app.notFound((c) => {
    throw new ApiError(404, "not_found", `There is no ${c.req.method} ${c.req.path.slice(0, 100)}`);
  });
  app.use(safeHeaders());
  if (audited) app.use(auditedAttempts(audited));
  app.use(ownHostOnly(rules), noForeignPages(rules));
  app.route("/", pageRoutes());
  app.route("/", healthRoutes(worker));
  app.route("/", signInRoute(sessions, rules));
  if (jobs) app.all("/api/v1/*", (c) => jobs.fetch(c.req.raw));
  app.use(
    authenticated({ homeToken: token, sessions: sessions.sessions, tokens: access?.tokens, rules }),
    scopeOfTable(),
  );
  if (audited) app.use(auditedChanges(audited));
  app.use(rateLimited(options.rateLimit ?? DEFAULT_RATE_LIMIT, clock), etags(), idempotent(database));
  app.route("/", codeRoute(sessions));
  if (options.metrics) app.route("/", metricsRoutes(options.metrics));
  app.get("/openapi.json", (c) => c.json(document()));
  if (access) app.route("/", tokenRoutes(access.tokens, clock)).route("/", auditRoutes(access.audit));
  if (options.events) app.use(looksAfterChanges(options.events)).route("/", eventRoutes(options.events));
  app.route("/", statusRoutes(worker));
  app.route("/", taskRoutes({ database, worker, clock, waits }));
  app.route("/", workerRoutes(database));
  app.route("/", queueRoutes(database, worker));
  app.route("/", approvalRoutes(database, () => worker.wake()));
  app.route("/", disputeRoutes(database));
  app.route("/", scheduleRoutes(database, scheduler));
  app.route("/", alertRoutes(database, alerts));
  if (agents) app.route("/", agentRoutes(agents, database, costs));
  if (options.reload) app.route("/", reloadRoute(options.reload));
  if (options.embedded) app.route("/", restRoutes(database));
  if (options.snapshot) app.route("/", snapshotRoute(options.snapshot));
  const document = describeApp(app);
  return app;
}
