/** Outward acts that wait for a person's word. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { ApiError } from "../api_error.ts";
import { before, fields, nextCursor, page, reason, uuid, word } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes, askedBy } from "../openapi/route.ts";

const STATUSES = ["open", "approved", "rejected", "begun", "done", "failed", "expired"] as const;
const tag = "approvals";
const text = z.string().nullable();

const act = z.object({
  id: z.string(),
  source: z.string().meta({ description: "The queue its task is from, or `agent`." }),
  task_id: z.string(),
  agent_id: text,
  kind: z.string(),
  platform: text,
  account: text,
  summary: z.string(),
  preview: z.unknown().meta({ description: "What would be posted, sent or spent." }),
  status: z.string().meta({ description: "proposed, approved, rejected, begun, done or expired" }),
  requested_by: text,
  requested_at: z.string(),
  expires_at: z.string(),
  decided_at: text,
  decided_by: text,
  decision_reason: text,
  begun_at: text,
  ended_at: text,
  result: z.unknown(),
  error: text,
}).meta({
  id: "Approval",
  example: {
    id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    source: "agent",
    task_id: "6f1c0a52-2b1e-4c5e-9a54-b1f2b6c3a777",
    agent_id: "social-media-agent",
    kind: "post",
    platform: "x",
    account: "everreach",
    summary: "Post to X",
    preview: { text: "We are live." },
    status: "proposed",
    requested_by: "worker-macbook-01",
    requested_at: "2026-11-20T18:00:00+00:00",
    expires_at: "2026-11-21T18:00:00+00:00",
    decided_at: null,
    decided_by: null,
    decision_reason: null,
    begun_at: null,
    ended_at: null,
    result: null,
    error: null,
  },
});

const path = z.object({ id: uuid("an approval's id") });

/** `GET /approvals`, `GET /approvals/{id}` and `POST /approvals/{id}/approve|reject`. */
export function approvalRoutes(database: Database, wake: () => void): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/approvals",
    tag,
    summary: "List acts that wait for a word, or those of another status, newest first",
    query: fields("parameter", { status: word([...STATUSES, "all"]).default("open"), ...page() }),
    answer: {
      description: "A page",
      schema: z.object({ approvals: z.array(act), next_cursor: z.string().nullable() }),
    },
  }, async ({ query }) => {
    const approvals = await database.call<{ id: string }[]>("actp_list_acts", {
      p_status: query.status === "all" ? null : query.status,
      p_limit: query.limit,
      p_before: before(query),
    });
    return { approvals, next_cursor: nextCursor(approvals, query.limit) };
  });
  addRoute(app, {
    method: "get",
    path: "/approvals/{id}",
    tag,
    summary: "One act",
    params: path,
    answer: { description: "The act", schema: act },
    errors: [404],
  }, async ({ params }) => {
    const found = await database.call<unknown>("actp_get_act", { p_id: params.id });
    if (found === null) throw new ApiError(404, "not_found", "there is no such approval");
    return found;
  });
  for (const decision of ["approve", "reject"] as const) {
    addRoute(app, {
      method: "post",
      path: `/approvals/{id}/${decision}`,
      tag,
      summary: decision === "approve" ? "Let the act be done" : "Forbid the act",
      params: path,
      body: fields("field", { reason: reason() }),
      answer: { description: "The act", schema: act },
      errors: [404, 409],
    }, async ({ params, body, context }) => {
      const decided = await database.call<unknown>("actp_decide_act", {
        p_id: params.id,
        p_approve: decision === "approve",
        p_by: askedBy(context),
        p_reason: body.reason ?? null,
      });
      wake();
      return decided;
    });
  }
  return app;
}
