/** The jobs API as one app: mounted below the control API, or served alone. */
import { type ErrorHandler, Hono, type NotFoundHandler } from "hono";
import { type Clock, systemClock } from "../clock.ts";
import { answerError, ApiError } from "../control/api_error.ts";
import type { Database } from "../database/database.ts";
import { API } from "../jobs/protocol.ts";
import type { Service } from "../service.ts";
import { describeApi } from "./api_doc.ts";
import { MAX_JOB_BYTES } from "./body.ts";
import { callerOf } from "./callers.ts";
import { ClaimDesk } from "./claim_desk.ts";
import type { JobsEnv } from "./environment.ts";
import { jobStore } from "./store.ts";
import { submitterRoutes } from "./submitter_routes.ts";
import { workerRoutes } from "./worker_routes.ts";

/** What the jobs API is made of. */
export interface JobsOptions {
  readonly database: Database;
  /** The secret of the home folder's token file. */
  readonly homeToken: string;
  /** Lets programs of this machine in without a token. Only for servers that other machines cannot reach. */
  readonly open?: boolean;
  /** How long a claim lasts without a heartbeat. */
  readonly leaseSeconds: number;
  readonly clock?: Clock;
  /** How often workers that do not wait are told to ask, in seconds; 5 unless told. */
  readonly pollSeconds?: number;
  /** The largest body, in bytes; 16 MiB unless told. */
  readonly maxBodyBytes?: number;
}

/** The answers, and the part that runs beside them. */
export interface Jobs {
  /** Everything below /api/v1. */
  readonly app: Hono<JobsEnv>;
  /** Wakes those who wait for jobs, and gives back jobs that lost their worker. Runs as long as the app serves. */
  readonly service: Service;
}

const DEFAULT_POLL_SECONDS = 5;
/** What clients are told to wait while the database is away, in seconds. */
const OUTAGE_SECONDS = "5";

/** Makes the jobs API on a migrated database. */
export function jobsApp(options: JobsOptions): Jobs {
  const { database, clock = systemClock } = options;
  const leaseSeconds = Math.ceil(options.leaseSeconds);
  const store = jobStore(database, leaseSeconds);
  const desk = new ClaimDesk({ database, store, clock, leaseSeconds });
  const surroundings = {
    store,
    desk,
    leaseSeconds,
    pollSeconds: options.pollSeconds ?? DEFAULT_POLL_SECONDS,
    maxBodyBytes: options.maxBodyBytes ?? MAX_JOB_BYTES,
  };
  const app = new Hono<JobsEnv>();
  app.onError(answerJobsError);
  app.notFound(noSuchCall);
  app.get(`${API}/openapi.json`, (c) => c.json(describeApi()));
  for (const path of [`${API}/jobs`, `${API}/jobs/*`, `${API}/workers/*`]) {
    app.use(path, async (c, next) => {
      c.set("caller", await callerOf((name) => c.req.header(name), options));
      await next();
    });
  }
  // Workers' first: `/jobs/running` is not a job's name.
  app.route("/", workerRoutes(surroundings));
  app.route("/", submitterRoutes(surroundings));
  return { app, service: desk.service() };
}

/** @throws ApiError 404 */
export const noSuchCall: NotFoundHandler = (c) => {
  throw new ApiError(404, "not_found", `There is no ${c.req.method} ${c.req.path.slice(0, 100)}`);
};

/** As the control API says no, and when to come back. */
export const answerJobsError: ErrorHandler = (error, c) => {
  const answer = answerError(error, c);
  if (answer.status === 401) answer.headers.set("WWW-Authenticate", "Bearer");
  if (answer.status === 503) answer.headers.set("Retry-After", OUTAGE_SECONDS);
  return answer;
};
