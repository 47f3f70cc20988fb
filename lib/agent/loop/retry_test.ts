import { equal, ok } from "node:assert/strict";
import { isTransientFailure, MAX_TRIES, retryDelay } from "./retry.ts";

Deno.test("overload, limits, server errors and broken connections are worth another try", () => {
  for (const status of [408, 409, 429, 500, 502, 529]) ok(isTransientFailure({ status }), `${status}`);
  ok(isTransientFailure({}));
  ok(isTransientFailure({ type: "overloaded_error" }));
});

Deno.test("a request that is wrong stays wrong", () => {
  for (const status of [400, 401, 403, 404, 413]) ok(!isTransientFailure({ status }), `${status}`);
  ok(!isTransientFailure({ type: "invalid_request_error" }));
});

Deno.test("what the server itself says goes first", () => {
  ok(isTransientFailure({ status: 400, shouldRetry: true }));
  ok(!isTransientFailure({ status: 529, shouldRetry: false }));
});

Deno.test("delays double, and are never shorter than Retry-After", () => {
  equal(retryDelay({ status: 529 }, 1, 0), 1_000);
  equal(retryDelay({ status: 529 }, 3, 0), 4_000);
  equal(retryDelay({ status: 429, retryAfterMs: 20_000 }, 1, 0), 20_000);
});

Deno.test("nobody waits for ever", () => {
  equal(retryDelay({ status: 529 }, MAX_TRIES, 0), undefined);
  equal(retryDelay({ status: 429, retryAfterMs: 3_600_000 }, 1, 0), undefined);
});
