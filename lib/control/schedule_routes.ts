/** Routines: when they fire, how they fared, running one now, switching them on and off. */
import { Hono } from "hono";
import type { Database } from "../database/database.ts";
import { type RoutineRow, type RoutineView, viewRoutines } from "../schedule/view.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";
import { taskId } from "./task_query.ts";

/** The part of the scheduler that the API shows; absent where this worker fires none. */
export interface ControlledScheduler {
  status(): unknown;
  /** Looks now for what was switched or run by hand. */
  wake(): void;
}

const ROUTINE_ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const STATUSES = [
  "waiting",
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "lost",
  "skipped",
  "missed",
];

/**
 * `GET /scheduler/jobs`, `GET /scheduler/jobs/:id`, `GET /scheduler/jobs/:id/history`, `GET /scheduler/history`,
 * `GET /scheduler/runs/:id` and `POST /scheduler/jobs/:id/run|enable|disable`. Asking changes no due time.
 */
export function scheduleRoutes(database: Database, scheduler?: ControlledScheduler): Hono {
  const list = async (id: string | null): Promise<RoutineView[]> =>
    viewRoutines(await database.call<RoutineRow[]>("actp_list_routines", { p_id: id }));
  const history = (id: string | null, query: URLSearchParams) =>
    database.call<unknown>("actp_list_routine_runs", {
      p_routine_id: id,
      p_status: statusOf(query.get("status")),
      p_limit: limitOf(query.get("limit")),
      p_before: query.has("before") ? taskId(query.get("before")!) : null,
    });
  const queryOf = (url: string) => new URL(url).searchParams;
  return new Hono()
    .get(
      "/scheduler/jobs",
      async (c) => c.json({ jobs: await list(null), scheduler: scheduler?.status() ?? null }),
    )
    .get("/scheduler/history", async (c) => c.json({ runs: await history(null, queryOf(c.req.url)) }))
    .get("/scheduler/jobs/:id", async (c) => {
      const [job] = await list(routineId(c.req.param("id")));
      if (!job) throw new ApiError(404, "not_found", `there is no routine ${c.req.param("id")}`);
      return c.json(job);
    })
    .get(
      "/scheduler/jobs/:id/history",
      async (c) => c.json({ runs: await history(routineId(c.req.param("id")), queryOf(c.req.url)) }),
    )
    .get("/scheduler/runs/:id", async (c) => {
      const p_id = taskId(c.req.param("id"));
      return c.json(await database.call<unknown>("actp_get_routine_run", { p_id }));
    })
    .post("/scheduler/jobs/:id/run", async (c) => {
      const run = await database.call<unknown>("actp_run_routine", {
        p_id: routineId(c.req.param("id")),
        p_by: "control API",
      });
      scheduler?.wake();
      return c.json(run, 202);
    })
    .post("/scheduler/jobs/:id/:word{enable|disable}", async (c) => {
      const { reason } = asObject(await readJson(c.req.raw));
      if (reason !== undefined && (typeof reason !== "string" || reason.length > 1000)) {
        throw new ApiError(400, "bad_request", "reason must be a string of at most 1000 characters");
      }
      const row = await database.call<RoutineRow>("actp_switch_routine", {
        p_id: routineId(c.req.param("id")),
        p_on: c.req.param("word") === "enable",
        p_by: "control API",
        p_reason: reason ?? null,
      });
      scheduler?.wake();
      return c.json(viewRoutines([row])[0]);
    });
}

function routineId(id: string): string {
  if (ROUTINE_ID.test(id)) return id;
  throw new ApiError(404, "not_found", "there is no routine of that name");
}

function statusOf(status: string | null): string | null {
  if (status === null || STATUSES.includes(status)) return status;
  throw new ApiError(400, "bad_request", `status must be one of ${STATUSES.join(", ")}`);
}

function limitOf(limit: string | null): number {
  if (limit === null) return 50;
  if (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 500) return Number(limit);
  throw new ApiError(400, "bad_request", "limit must be 1 to 500");
}
