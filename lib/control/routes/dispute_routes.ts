/** Disputes about tasks and their rewards, for people and programs. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { before, fields, nextCursor, page, text, uuid, word } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";

const STATUSES = ["open", "upheld", "rejected", "withdrawn"] as const;
const tag = "disputes";
const trimmed = (most: number) =>
  z.string().trim().pipe(text(most)).meta({ type: "string", maxLength: most });
const who = () => trimmed(200).default("control API");
const optional = z.string().nullable();

const dispute = z.object({
  id: z.string(),
  task_id: z.string().nullable(),
  task_type: optional,
  reason: z.string(),
  opened_by: z.string(),
  opened_at: z.string(),
  vote_deadline: z.string(),
  status: z.enum(STATUSES),
  reward: optional,
  votes_for: z.int(),
  votes_against: z.int(),
  votes: z.array(
    z.object({ voter: z.string(), uphold: z.boolean(), comment: optional, voted_at: z.string() }),
  ),
}).meta({
  id: "Dispute",
  example: {
    id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    task_id: "6f1c0a52-2b1e-4c5e-9a54-b1f2b6c3a777",
    task_type: "safari_research",
    reason: "the result is empty",
    opened_by: "ann",
    opened_at: "2026-11-20T18:00:00+00:00",
    vote_deadline: "2026-11-23T18:00:00+00:00",
    status: "open",
    reward: "12.50",
    votes_for: 1,
    votes_against: 0,
    votes: [{ voter: "bob", uphold: true, comment: null, voted_at: "2026-11-20T19:00:00+00:00" }],
  },
});

const path = z.object({ id: uuid("a dispute's id") });
const answer = { description: "The dispute", schema: dispute };

/** `GET /disputes`, `GET /disputes/{id}`, `POST /disputes`, `POST /disputes/{id}/vote` and `POST /disputes/{id}/resolve`. */
export function disputeRoutes(database: Database): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/disputes",
    tag,
    summary: "List open disputes, or those of another status, newest first",
    query: fields("parameter", {
      status: word([...STATUSES, "all"]).default("open"),
      task_id: uuid("a task's id").optional(),
      ...page(),
    }),
    answer: {
      description: "A page",
      schema: z.object({ disputes: z.array(dispute), next_cursor: z.string().nullable() }),
    },
  }, async ({ query }) => {
    const disputes = await database.call<{ id: string }[]>("actp_list_disputes", {
      p_status: query.status === "all" ? null : query.status,
      p_task_id: query.task_id ?? null,
      p_limit: query.limit,
      p_before: before(query),
    });
    return { disputes, next_cursor: nextCursor(disputes, query.limit) };
  });
  addRoute(app, {
    method: "get",
    path: "/disputes/{id}",
    tag,
    summary: "One dispute with its votes",
    params: path,
    answer,
    errors: [404],
  }, ({ params }) => database.call<unknown>("actp_get_dispute", { p_id: params.id }));
  addRoute(app, {
    method: "post",
    path: "/disputes",
    tag,
    summary: "Dispute a task or its reward",
    body: fields("field", {
      task_id: uuid("a task's id"),
      reason: trimmed(2000),
      opened_by: who(),
      vote_seconds: z.int().min(60).max(31_536_000).default(259_200),
    }).meta({
      id: "NewDispute",
      example: { task_id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001", reason: "empty" },
    }),
    answer: { ...answer, status: 201 },
    errors: [404, 409],
  }, ({ body }) =>
    database.call<unknown>("actp_open_dispute", {
      p_task_id: body.task_id,
      p_reason: body.reason,
      p_opened_by: body.opened_by,
      p_vote_seconds: body.vote_seconds,
    }));
  addRoute(app, {
    method: "post",
    path: "/disputes/{id}/vote",
    tag,
    summary: "Vote; a later vote of the same voter takes the place of the earlier",
    params: path,
    body: fields("field", {
      voter: who(),
      uphold: z.boolean(),
      comment: text(2000, 0).nullable().default(null),
    }).meta({ id: "NewVote", example: { voter: "bob", uphold: true } }),
    answer,
    errors: [404, 409],
  }, ({ params, body: { voter, uphold, comment } }) =>
    database.call<unknown>("actp_vote_dispute", {
      p_id: params.id,
      p_voter: voter,
      p_uphold: uphold,
      p_comment: comment,
    }));
  addRoute(app, {
    method: "post",
    path: "/disputes/{id}/resolve",
    tag,
    summary: "End a dispute; without a status the votes decide",
    params: path,
    body: fields("field", {
      resolved_by: who(),
      status: z.enum(["upheld", "rejected", "withdrawn"]).nullable().default(null),
      resolution: text(2000, 0).nullable().default(null),
    }).meta({ id: "Resolution", example: { resolved_by: "ann", status: "upheld" } }),
    answer,
    errors: [404, 409],
  }, ({ params, body }) =>
    database.call<unknown>("actp_resolve_dispute", {
      p_id: params.id,
      p_by: body.resolved_by,
      p_status: body.status,
      p_resolution: body.resolution,
    }));
  return app;
}
