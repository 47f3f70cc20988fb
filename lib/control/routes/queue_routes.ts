/** The queues that this worker takes tasks from, and the pauses and limits of task types over all workers. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import type { QueueStatus } from "../../health/overall.ts";
import { logger } from "../../log.ts";
import type { ControlledWorker } from "../health.ts";
import { fields, reason, text } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";
import { queueStatus } from "./status_schemas.ts";

/** As the database tells of it. */
interface LimitRow {
  readonly pattern: string;
  readonly max_running: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
  readonly updated_at: string;
  readonly running?: number;
  readonly waiting?: number;
}

const tag = "queues";
const limitFields = {
  pattern: z.string().meta({ description: "A task type, or the beginning of one followed by *." }),
  max_running: z.int().nullable().meta({ description: "null: no limit" }),
  paused: z.boolean(),
  paused_reason: z.string().nullable(),
  paused_at: z.string().nullable(),
};
const EXAMPLE = {
  pattern: "safari_*",
  max_running: 1,
  paused: true,
  paused_reason: "the account is being checked",
  paused_at: "2026-11-20T18:00:00+00:00",
};
const limit = z.object(limitFields).meta({ id: "TaskLimit", example: EXAMPLE });
const limitInUse = z.object({ ...limitFields, running: z.int(), waiting: z.int() }).meta({
  id: "TaskLimitInUse",
  example: { ...EXAMPLE, running: 1, waiting: 4 },
});
const pattern = () =>
  text(200).refine(
    (given) => /^([^*]+|[^*]*\*)$/.test(given),
    "must be a task type, or the beginning of one followed by *",
  ).meta({ example: "safari_*" });
const answer = { description: "What holds for the pattern now", schema: limit };

/** `GET /queues` and `POST /queues/pause|resume|limit`. */
export function queueRoutes(database: Database, worker: ControlledWorker): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/queues",
    tag,
    summary: "The queues of this worker, and the limits and pauses of task types",
    answer: {
      description: "Both; `limits` is null while the database is away",
      schema: z.object({ queues: z.array(queueStatus), limits: z.array(limitInUse).nullable() }),
    },
  }, async () => {
    const { queues = [] } = await worker.status();
    const limits = await readLimits(database);
    return { queues: paused(queues, limits), limits: limits?.map(limitView) ?? null };
  });
  addRoute(app, {
    method: "post",
    path: "/queues/pause",
    tag,
    summary: "Claim no more tasks of a type, on any worker; what runs goes on",
    body: fields("field", { pattern: pattern(), reason: reason() }),
    answer,
  }, async ({ body }) => {
    const args = { p_pattern: body.pattern, p_reason: body.reason ?? null };
    return limitView(await database.call<LimitRow>("actp_pause_tasks", args));
  });
  addRoute(app, {
    method: "post",
    path: "/queues/resume",
    tag,
    summary: "End a pause of exactly this pattern",
    body: fields("field", { pattern: pattern() }),
    answer,
    errors: [404],
  }, async ({ body }) => {
    const row = await database.call<LimitRow>("actp_resume_tasks", { p_pattern: body.pattern });
    worker.wake();
    return limitView(row);
  });
  addRoute(app, {
    method: "post",
    path: "/queues/limit",
    tag,
    summary: "How many tasks of a type may run at once, over all workers; null takes the limit away",
    body: fields("field", {
      pattern: pattern(),
      max_running: z.int("must be 0 to 1000000, or null").min(0, "must be 0 to 1000000, or null")
        .max(1_000_000, "must be 0 to 1000000, or null").nullable(),
    }),
    answer,
  }, async ({ body }) => {
    const args = { p_pattern: body.pattern, p_max_running: body.max_running };
    const row = await database.call<LimitRow>("actp_set_task_limit", args);
    worker.wake();
    return limitView(row);
  });
  return app;
}

/** What this worker knows by itself is told even while the database is away. */
async function readLimits(database: Database): Promise<LimitRow[] | undefined> {
  try {
    return await database.call<LimitRow[]>("actp_list_task_limits", {}, { timeoutMs: 5_000 });
  } catch (error) {
    logger("control").warn`limits and pauses could not be read: ${(error as Error).message}`;
    return undefined;
  }
}

/** A pause of everything pauses the table of tasks, which is the first queue. */
function paused(queues: readonly QueueStatus[], limits: readonly LimitRow[] = []): QueueStatus[] {
  const all = limits.find((limit) => limit.pattern === "*" && limit.paused);
  return queues.map((queue, position) =>
    all && position === 0 && queue.state === "running"
      ? { ...queue, state: "paused", since: all.updated_at, reason: all.reason }
      : queue
  );
}

function limitView({ reason, updated_at, ...limit }: LimitRow) {
  return {
    ...limit,
    paused_reason: limit.paused ? reason : null,
    paused_at: limit.paused ? updated_at : null,
  };
}
