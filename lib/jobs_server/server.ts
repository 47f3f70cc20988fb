/** The jobs server alone: the jobs API with probes and its description, on a port of its own. */
import { Hono } from "hono";
import { ApiError } from "../control/api_error.ts";
import { type GuardedEnv, noForeignPages, ownHostOnly } from "../control/guard.ts";
import { serveUntil } from "../control/listen.ts";
import { safeHeaders } from "../control/page.ts";
import { restRoutes } from "../control/rest.ts";
import { snapshotRoute } from "../control/snapshot_route.ts";
import { equalSecret } from "../control/token.ts";
import type { Database } from "../database/database.ts";
import type { Service } from "../service.ts";
import { VERSION } from "../version.ts";
import { describeApi } from "./api_doc.ts";
import { answerJobsError, type Jobs, noSuchCall } from "./app.ts";

/** What the server is made of. */
export interface JobsServerOptions {
  readonly jobs: Jobs;
  readonly database: Database;
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Programs without a token are let in: then only what calls this machine by its own name. */
  readonly open: boolean;
  /** Where the database is the embedded one: serves it to the command line, for this secret. */
  readonly restToken?: string;
  /** Likewise: copies that database for `db dump`, for the same secret. */
  readonly snapshot?: () => Promise<string>;
  readonly onListen?: (port: number) => void;
}

/** Serves until it is stopped. */
export function jobsServer(options: JobsServerOptions): Service {
  return {
    name: "jobs server",
    run(signal) {
      let port = options.port;
      const app = jobsServerApp(options, () => port);
      return serveUntil(signal, {
        name: "The jobs server",
        hostname: options.hostname,
        port,
        setting: "JOBS_SERVER_PORT or --port",
        answer: app.fetch,
        onListen(real) {
          port = real;
          options.onListen?.(real);
        },
      });
    },
  };
}

function guardedSnapshot(snapshot: () => Promise<string>, token: string): Hono<GuardedEnv> {
  return new Hono<GuardedEnv>()
    .use("/database/snapshot", async (c, next) => {
      if (!equalSecret(c.req.header("authorization") ?? "", `Bearer ${token}`)) {
        throw new ApiError(
          401,
          "unauthorized",
          "Send the token of the server's home folder as a bearer token",
        );
      }
      c.set("credential", "token");
      await next();
    })
    .route("/", snapshotRoute(snapshot));
}

/** The answers of the jobs server. */
export function jobsServerApp(
  { jobs, database, open, restToken, snapshot }: JobsServerOptions,
  port: () => number,
): Hono {
  const app = new Hono();
  app.onError(answerJobsError);
  app.notFound(noSuchCall);
  app.use(safeHeaders(), noForeignPages());
  // A page that a name server has led here sends no token, so tokens keep it out by themselves.
  if (open) app.use(ownHostOnly({ port }));
  app.get("/health", (c) => c.json({ status: "ok", version: VERSION, database: database.description }));
  app.get("/ready", async (c) => {
    await database.call("actp_use_job_token", { p_digest: "" });
    return c.json({ ready: true });
  });
  app.get("/openapi.json", (c) => c.json(describeApi()));
  app.route("/", jobs.app);
  if (restToken !== undefined) {
    app.use("/rest/v1/*", async (c, next) => {
      if (!equalSecret(c.req.header("apikey") ?? "", restToken)) {
        throw new ApiError(401, "unauthorized", "Send the token of the server's home folder as apikey");
      }
      await next();
    });
    app.route("/", restRoutes(database));
    if (snapshot) app.route("/", guardedSnapshot(snapshot, restToken));
  }
  return app;
}
