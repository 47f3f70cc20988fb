/** Outward acts that wait for a person's word. */
import { Hono } from "hono";
import type { Database } from "../database/database.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";
import { taskId } from "./task_query.ts";

const STATUSES = ["open", "approved", "rejected", "begun", "done", "failed", "expired"];

/** `GET /approvals`, `GET /approvals/:id` and `POST /approvals/:id/approve|reject`. */
export function approvalRoutes(database: Database, wake: () => void): Hono {
  return new Hono()
    .get("/approvals", async (c) => {
      const query = new URL(c.req.url).searchParams;
      const acts = await database.call<unknown>("actp_list_acts", {
        p_status: statusOf(query.get("status")),
        p_limit: limitOf(query.get("limit")),
        p_before: query.has("before") ? taskId(query.get("before")!) : null,
      });
      return c.json({ approvals: acts });
    })
    .get("/approvals/:id", async (c) => {
      const act = await database.call<unknown>("actp_get_act", { p_id: taskId(c.req.param("id")) });
      if (act === null) throw new ApiError(404, "not_found", "there is no such approval");
      return c.json(act);
    })
    .post("/approvals/:id/:word{approve|reject}", async (c) => {
      const { reason } = asObject(await readJson(c.req.raw));
      if (reason !== undefined && (typeof reason !== "string" || reason.length > 1000)) {
        throw new ApiError(400, "bad_request", "reason must be a string of at most 1000 characters");
      }
      const act = await database.call<unknown>("actp_decide_act", {
        p_id: taskId(c.req.param("id")),
        p_approve: c.req.param("word") === "approve",
        p_by: "control API",
        p_reason: reason ?? null,
      });
      wake();
      return c.json(act);
    });
}

function statusOf(status: string | null): string | null {
  if (status === null || STATUSES.includes(status)) return status ?? "open";
  if (status === "all") return null;
  throw new ApiError(400, "bad_request", `status must be one of ${[...STATUSES, "all"].join(", ")}`);
}

function limitOf(limit: string | null): number {
  if (limit === null) return 50;
  if (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 500) return Number(limit);
  throw new ApiError(400, "bad_request", "limit must be 1 to 500");
}
