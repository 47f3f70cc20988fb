/** How often each caller may ask: a token bucket for each, so that one that runs wild does not starve the others. */
import type { MiddlewareHandler } from "hono";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../api_error.ts";
import type { GuardedEnv } from "../guard.ts";
import { callerOf } from "./caller.ts";

/** How often, and how much at once. */
export interface RateLimit {
  readonly requestsPerSecond: number;
  readonly burst: number;
}

/** What holds unless something else is configured. */
export const DEFAULT_RATE_LIMIT: RateLimit = { requestsPerSecond: 50, burst: 200 };

/** Buckets that are full again say nothing: so many are remembered at the most. */
const MAX_BUCKETS = 1000;

/** Counts what each of many callers has left. */
export class TokenBuckets {
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(private readonly limit: RateLimit, private readonly clock: Clock) {}

  /** Takes one; or tells in how many ms there is one again. */
  take(caller: string): number | undefined {
    const { requestsPerSecond, burst } = this.limit;
    const now = this.clock.monotonic();
    const { left, at } = this.#buckets.get(caller) ?? { left: burst, at: now };
    const filled = Math.min(burst, left + (now - at) * requestsPerSecond / 1000);
    // The one that was asked last stands last.
    this.#buckets.delete(caller);
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(caller, { left: filled >= 1 ? filled - 1 : filled, at: now });
    return filled >= 1 ? undefined : (1 - filled) * 1000 / requestsPerSecond;
  }
}

/** Not counted: streams, which stay open, and the embedded database, whose callers are other parts of this worker. */
const UNCOUNTED = /^\/(events$|rest\/v1\/)/;

/** Refuses with 429 what comes too often from one caller. Stands behind the guard. */
export function rateLimited(limit: RateLimit, clock: Clock): MiddlewareHandler<GuardedEnv> {
  const buckets = new TokenBuckets(limit, clock);
  return async (c, next) => {
    const waitMs = UNCOUNTED.test(c.req.path) ? undefined : buckets.take(callerOf(c));
    if (waitMs !== undefined) {
      c.header("Retry-After", String(Math.max(1, Math.ceil(waitMs / 1000))));
      throw new ApiError(
        429,
        "rate_limited",
        `More than ${limit.requestsPerSecond} requests a second; ask again later`,
        { retry_after_ms: Math.ceil(waitMs) },
      );
    }
    await next();
  };
}
