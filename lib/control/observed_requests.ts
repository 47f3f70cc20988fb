/** Watches what the server is asked: by which route, with which answer, how long it took. */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { type Clock, systemClock } from "../clock.ts";

/** A request that has been answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** As it was declared, `/tasks/:id`; `unmatched` where there is none. Never what the client wrote. */
  readonly route: string;
  readonly status: number;
  /** Until the answer's head; a stream goes on after it. */
  readonly ms: number;
}

/** Told of each. May not throw. */
export type RequestObserver = (request: AnsweredRequest) => void;

/** Stands before everything else, so that refusals are seen as well. */
export function observedRequests(told: RequestObserver, clock: Clock = systemClock): MiddlewareHandler {
  return async (c, next) => {
    const began = clock.monotonic();
    await next();
    // Middleware stands at /* or /; what a route itself is, is the last that matched.
    const own = matchedRoutes(c).findLast(({ method, path }) => method !== "ALL" || !/^\/?\*?$/.test(path));
    told({
      method: c.req.method,
      route: own?.path ?? "unmatched",
      status: c.res.status,
      ms: clock.monotonic() - began,
    });
  };
}
