/** When a failed call of the model is made again. Pure. */
import { backoffDelay } from "../../backoff.ts";

/** How a call failed. */
export interface CallFailure {
  /** HTTP status; undefined for a connection that failed or broke off. */
  readonly status?: number;
  /** The `type` of an error that came within the stream, e.g. `overloaded_error`. */
  readonly type?: string;
  /** What Retry-After asks for, in ms. */
  readonly retryAfterMs?: number;
  /** What the server itself says with `x-should-retry`. */
  readonly shouldRetry?: boolean;
}

/** A call is made at most so often. */
export const MAX_TRIES = 6;
/** Longer than this nothing is waited for: the goal is tried again later. */
const MAX_WAIT_MS = 120_000;
const TRANSIENT_TYPES = ["overloaded_error", "api_error", "rate_limit_error", "timeout_error"];

/** Whether asking again may work at all. */
export function isTransientFailure({ status, type, shouldRetry }: CallFailure): boolean {
  if (shouldRetry !== undefined) return shouldRetry;
  if (status === undefined) return type === undefined || TRANSIENT_TYPES.includes(type);
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** How long to wait before the next try, in ms; undefined when it is no use. `tries` counts those made. */
export function retryDelay(failure: CallFailure, tries: number, random = Math.random()): number | undefined {
  if (tries >= MAX_TRIES || !isTransientFailure(failure)) return undefined;
  const own = backoffDelay(tries, { firstMs: 1_000, maxMs: 30_000 }, random);
  const asked = failure.retryAfterMs ?? 0;
  return asked > MAX_WAIT_MS ? undefined : Math.max(own, asked);
}
