/** How the control API says no: one form for people and programs, PostgREST's form below /rest/v1. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";

/** An answer that is not a success. `code` is for programs, the message for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
  }
}

/** What clients are told to wait while the database is away, in seconds. */
const OUTAGE_SECONDS = "5";

/** Turns whatever a route threw into an answer; what nobody expected is logged and not told. */
export function answerError(error: Error, c: Context): Response {
  const rest = c.req.path.startsWith("/rest/v1/");
  const { status, code, message, details } = toApiError(error, rest);
  const body = rest
    ? { code, message, details: details ?? null, hint: null }
    : { error: { code, message, ...(details === undefined ? {} : { details }) } };
  if (status === 503) c.header("Retry-After", OUTAGE_SECONDS);
  return c.json(body, status as ContentfulStatusCode);
}

function toApiError(error: Error, rest: boolean): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DatabaseError) return rest ? restAnswer(error) : plainAnswer(error);
  logger("control").error(`A request failed: ${error.message}`, { error });
  return new ApiError(500, "internal", "The worker failed to answer; its log tells why.");
}

/** The HTTP status by which PostgREST tells this error, so that the Supabase driver reads it alike. */
export function restStatus({ code, transient }: DatabaseError): number {
  const refusal = refusalStatus(code);
  if (refusal) return refusal;
  if (code === "PGRST202") return 404;
  if (code === "42501") return 403;
  if (transient) return 503;
  return code ? 400 : 500;
}

function restAnswer(error: DatabaseError): ApiError {
  return new ApiError(restStatus(error), error.code ?? "XX000", error.answer ?? error.message);
}

/** Only what the request itself got wrong is the asker's fault; an old schema or a wrong key is not. */
function plainAnswer(error: DatabaseError): ApiError {
  const status = refusalStatus(error.code);
  if (!status) {
    return error.transient
      ? new ApiError(503, "database_unavailable", error.message)
      : new ApiError(500, "database_failed", error.message);
  }
  const code = status === 404 ? "not_found" : status === 409 ? "conflict" : "bad_request";
  return new ApiError(status, code, error.answer ?? error.message);
}

/** PTnnn: the function chose the status. 22 and 23: the values do not fit. */
function refusalStatus(code = ""): number | undefined {
  if (/^PT[45]\d\d$/.test(code)) return Number(code.slice(2));
  if (code === "23505") return 409;
  return /^2[23]/.test(code) ? 400 : undefined;
}
