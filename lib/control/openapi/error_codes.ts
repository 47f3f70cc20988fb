/** The words by which programs tell one refusal from another. They do not change; new ones may come. */

/** Every code of the control API's errors, and what it means. */
export const ERROR_CODES = {
  bad_json: "The body is not JSON.",
  bad_request:
    "A value cannot be meant; `details` lists every bad field as {field, message}, where it is known.",
  cut_off: "The body ended too early.",
  too_deep: "The body is nested too deep.",
  too_large: "The body is too large.",
  too_slow: "The body did not arrive in time.",
  not_json: "The content type must be application/json.",
  unauthorized: "No token, or one that is unknown, revoked or expired.",
  bad_code: "The one-time code is used, expired or unknown.",
  forbidden: "The token's scope is too small.",
  token_needed: "Only a token may do this, not the page's session.",
  foreign_host: "The server was called by a name that is not its own.",
  foreign_origin: "Another site's page sent it.",
  not_found: "There is no such route or thing.",
  method_not_allowed: "The path takes other methods.",
  conflict: "The thing is in a state in which this cannot be done.",
  idempotency_conflict: "The Idempotency-Key was used for another request.",
  in_progress: "A request with this Idempotency-Key is being answered.",
  rate_limited: "Too many requests; ask again after Retry-After seconds.",
  stopping: "The worker stops.",
  internal: "The worker failed to answer; its log tells why.",
  database_failed: "The database refused what it was asked; the worker's log tells why.",
  database_unavailable: "The database cannot be reached; ask again after Retry-After seconds.",
} as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
