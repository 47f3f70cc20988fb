/** Disputes about tasks and their rewards, for people and programs. */
import { Hono } from "hono";
import { z } from "zod";
import type { Database } from "../database/database.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";
import { taskId } from "./task_query.ts";

const STATUSES = ["open", "upheld", "rejected", "withdrawn"] as const;
const who = z.string().trim().min(1).max(200).default("control API");
const openBody = z.strictObject({
  task_id: z.string(),
  reason: z.string().trim().min(1).max(2000),
  opened_by: who,
  vote_seconds: z.int().min(60).max(31_536_000).default(259_200),
});
const voteBody = z.strictObject({
  voter: who,
  uphold: z.boolean(),
  comment: z.string().max(2000).nullable().default(null),
});
const resolveBody = z.strictObject({
  resolved_by: who,
  status: z.enum(["upheld", "rejected", "withdrawn"]).nullable().default(null),
  resolution: z.string().max(2000).nullable().default(null),
});

/** `GET /disputes`, `GET /disputes/:id`, `POST /disputes`, `POST /disputes/:id/vote` and `POST /disputes/:id/resolve`. */
export function disputeRoutes(database: Database): Hono {
  return new Hono()
    .get("/disputes", async (c) => {
      const query = new URL(c.req.url).searchParams;
      const disputes = await database.call<unknown>("actp_list_disputes", {
        p_status: statusOf(query.get("status")),
        p_task_id: query.has("task_id") ? taskId(query.get("task_id")!) : null,
        p_limit: limitOf(query.get("limit")),
        p_before: query.has("before") ? taskId(query.get("before")!) : null,
      });
      return c.json({ disputes });
    })
    .get("/disputes/:id", async (c) => {
      return c.json(await database.call<unknown>("actp_get_dispute", { p_id: taskId(c.req.param("id")) }));
    })
    .post("/disputes", async (c) => {
      const { task_id, reason, opened_by, vote_seconds } = await read(openBody, c.req.raw);
      const dispute = await database.call<unknown>("actp_open_dispute", {
        p_task_id: taskId(task_id),
        p_reason: reason,
        p_opened_by: opened_by,
        p_vote_seconds: vote_seconds,
      });
      return c.json(dispute, 201);
    })
    .post("/disputes/:id/vote", async (c) => {
      const { voter, uphold, comment } = await read(voteBody, c.req.raw);
      const args = { p_id: taskId(c.req.param("id")), p_voter: voter, p_uphold: uphold, p_comment: comment };
      return c.json(await database.call<unknown>("actp_vote_dispute", args));
    })
    .post("/disputes/:id/resolve", async (c) => {
      const { resolved_by, status, resolution } = await read(resolveBody, c.req.raw);
      const args = {
        p_id: taskId(c.req.param("id")),
        p_by: resolved_by,
        p_status: status,
        p_resolution: resolution,
      };
      return c.json(await database.call<unknown>("actp_resolve_dispute", args));
    });
}

/** @throws {@link ApiError} 400 that names the field */
async function read<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
  const parsed = schema.safeParse(asObject(await readJson(request)));
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new ApiError(400, "bad_request", `${path.map(String).join(".") || "The body"}: ${message}`);
}

function statusOf(status: string | null): string | null {
  if (status === null || status === "all") return status === null ? "open" : null;
  if ((STATUSES as readonly string[]).includes(status)) return status;
  throw new ApiError(400, "bad_request", `status must be one of ${[...STATUSES, "all"].join(", ")}`);
}

function limitOf(limit: string | null): number {
  if (limit === null) return 50;
  if (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 500) return Number(limit);
  throw new ApiError(400, "bad_request", "limit must be 1 to 500");
}
