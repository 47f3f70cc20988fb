/** Routines: when they fire, how they fared, running one now, switching them on and off. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { type RoutineRow, type RoutineView, viewRoutines } from "../../schedule/view.ts";
import { ApiError } from "../api_error.ts";
import { before, fields, nextCursor, page, reason, uuid, word } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes, askedBy } from "../openapi/route.ts";
import { routine, routineRun, RUN_STATUSES } from "./schedule_schemas.ts";

/** The part of the scheduler that the API shows; absent where this worker fires none. */
export interface ControlledScheduler {
  status(): unknown;
  /** Looks now for what was switched or run by hand. */
  wake(): void;
}

const ROUTINE_ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const tag = "scheduler";
/** An odd name is not wrong: there is no routine of it. */
const jobPath = z.object({ id: z.string().meta({ pattern: ROUTINE_ID.source, example: "daily-report" }) });
const historyQuery = fields("parameter", { status: word(RUN_STATUSES).optional(), ...page() });
const runs = z.object({ runs: z.array(routineRun), next_cursor: z.string().nullable() });

/**
 * `GET /scheduler/jobs`, `GET /scheduler/jobs/{id}`, `GET /scheduler/jobs/{id}/history`, `GET /scheduler/history`,
 * `GET /scheduler/runs/{id}` and `POST /scheduler/jobs/{id}/run|enable|disable`. Asking changes no due time.
 */
export function scheduleRoutes(database: Database, scheduler?: ControlledScheduler): ApiRoutes {
  const app = apiRoutes();
  const list = async (id: string | null): Promise<RoutineView[]> =>
    viewRoutines(await database.call<RoutineRow[]>("actp_list_routines", { p_id: id }));
  const history = async (id: string | null, query: z.output<typeof historyQuery>) => {
    const found = await database.call<{ id: string }[]>("actp_list_routine_runs", {
      p_routine_id: id,
      p_status: query.status ?? null,
      p_limit: query.limit,
      p_before: before(query),
    });
    return { runs: found, next_cursor: nextCursor(found, query.limit) };
  };
  addRoute(app, {
    method: "get",
    path: "/scheduler/jobs",
    tag,
    summary: "All routines, with when each fires next",
    answer: {
      description: "The routines",
      schema: z.object({
        jobs: z.array(routine),
        scheduler: z.unknown().meta({
          description: "How this worker's scheduler fares; null where it has none.",
        }),
      }),
    },
  }, async () => ({ jobs: await list(null), scheduler: scheduler?.status() ?? null }));
  addRoute(app, {
    method: "get",
    path: "/scheduler/history",
    tag,
    summary: "The runs of all routines, newest first",
    query: historyQuery,
    answer: { description: "A page", schema: runs },
  }, ({ query }) => history(null, query));
  addRoute(app, {
    method: "get",
    path: "/scheduler/jobs/{id}",
    tag,
    summary: "One routine",
    params: jobPath,
    answer: { description: "The routine", schema: routine },
    errors: [404],
  }, async ({ params }) => {
    const [job] = await list(routineId(params.id));
    if (!job) throw new ApiError(404, "not_found", `there is no routine ${params.id}`);
    return job;
  });
  addRoute(app, {
    method: "get",
    path: "/scheduler/jobs/{id}/history",
    tag,
    summary: "The runs of one routine, newest first",
    params: jobPath,
    query: historyQuery,
    answer: { description: "A page", schema: runs },
    errors: [404],
  }, ({ params, query }) => history(routineId(params.id), query));
  addRoute(app, {
    method: "get",
    path: "/scheduler/runs/{id}",
    tag,
    summary: "One run of a routine",
    params: z.object({ id: uuid("a run's id") }),
    answer: { description: "The run", schema: routineRun },
    errors: [404],
  }, ({ params }) => database.call<unknown>("actp_get_routine_run", { p_id: params.id }));
  addRoute(app, {
    method: "post",
    path: "/scheduler/jobs/{id}/run",
    tag,
    summary: "Run a routine once, now, also where it is switched off",
    params: jobPath,
    answer: { status: 202, description: "The run, which waits for its worker", schema: routineRun },
    errors: [404],
  }, async ({ params, context }) => {
    const run = await database.call<unknown>("actp_run_routine", {
      p_id: routineId(params.id),
      p_by: askedBy(context),
    });
    scheduler?.wake();
    return run;
  });
  for (const decision of ["enable", "disable"] as const) {
    addRoute(app, {
      method: "post",
      path: `/scheduler/jobs/{id}/${decision}`,
      tag,
      summary: `Switch a routine ${decision === "enable" ? "on" : "off"} on all workers`,
      params: jobPath,
      body: fields("field", { reason: reason() }),
      answer: { description: "The routine", schema: routine },
      errors: [404],
    }, async ({ params, body, context }) => {
      const row = await database.call<RoutineRow>("actp_switch_routine", {
        p_id: routineId(params.id),
        p_on: decision === "enable",
        p_by: askedBy(context),
        p_reason: body.reason ?? null,
      });
      scheduler?.wake();
      return viewRoutines([row])[0];
    });
  }
  return app;
}

function routineId(id: string): string {
  if (ROUTINE_ID.test(id)) return id;
  throw new ApiError(404, "not_found", "there is no routine of that name");
}
