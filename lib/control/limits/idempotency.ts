/**
 * Idempotency-Key: a request that is sent again, because its answer was lost, is answered as the first time and does
 * nothing twice. Kept in the database, so that a restart or another worker makes no difference.
 */
import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { createHash } from "node:crypto";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";
import { ApiError } from "../api_error.ts";
import { readJson } from "../body.ts";
import type { GuardedEnv } from "../guard.ts";
import { withJson } from "../openapi/route.ts";
import { callerOf } from "./caller.ts";

type Begun =
  | { readonly state: "new"; readonly token: string }
  | { readonly state: "replay"; readonly status: number; readonly answer: string }
  | { readonly state: "conflict" | "in_progress" };

/** Their answers hold a secret, which must not be kept. */
const SECRET = /^\/(tokens|session)(\/|$)/;
/** PostgREST's form has nothing of the kind; its callers' own functions are idempotent. */
const WITHOUT = /^\/rest\/v1\//;
/** Says nothing of the request itself: the same one may fare better, or was never looked at. */
const NOT_KEPT = [400, 401, 403, 408, 413, 415, 429];

/** Stands behind the guard, before the routes. */
export function idempotent(database: Database): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    const key = c.req.header("idempotency-key");
    if (key === undefined || c.req.method !== "POST" || WITHOUT.test(c.req.path)) return await next();
    checkKey(key, c.req.path);
    const body = await readJson(c.req.raw);
    c.req.raw = withJson(c.req.raw, body ?? {});
    const request = { p_caller: callerOf(c), p_key: key };
    const begun = await database.call<Begun>("actp_begin_request", {
      ...request,
      p_digest: digestOf(c.req.raw, body),
    });
    switch (begun.state) {
      case "replay":
        c.header("Idempotency-Replayed", "true");
        c.header("Content-Type", "application/json");
        return c.body(begun.answer, begun.status as ContentfulStatusCode);
      case "conflict":
        throw new ApiError(409, "idempotency_conflict", "This Idempotency-Key was used for another request");
      case "in_progress":
        c.header("Retry-After", "1");
        throw new ApiError(409, "in_progress", "A request with this Idempotency-Key is being answered");
    }
    await next();
    await keep(c, database, { ...request, p_token: begun.token });
  };
}

function checkKey(key: string, path: string): void {
  if (key.length < 1 || key.length > 200) {
    throw new ApiError(400, "bad_request", "Idempotency-Key must have 1 to 200 characters");
  }
  if (SECRET.test(path)) {
    throw new ApiError(
      400,
      "bad_request",
      "This answer holds a secret and is not kept: send no Idempotency-Key",
    );
  }
}

/** The order of a body's fields does not matter less than their values: the bytes are what is compared. */
function digestOf({ method, url }: Request, body: unknown): string {
  const { pathname, search } = new URL(url);
  return createHash("sha256").update(`${method} ${pathname}${search}\n${JSON.stringify(body ?? {})}`).digest(
    "hex",
  );
}

/** The change is made: that its answer cannot be kept is no reason to tell the caller that it failed. */
async function keep(c: Context, database: Database, request: Record<string, unknown>): Promise<void> {
  const { status } = c.res;
  const kept = status < 500 && !NOT_KEPT.includes(status);
  try {
    const answer = kept ? { p_status: status, p_answer: await c.res.clone().text() } : {};
    await database.call("actp_end_request", { ...request, ...answer });
  } catch (error) {
    logger("control").warn`the answer to an idempotent request could not be kept: ${
      (error as Error).message
    }`;
  }
}
