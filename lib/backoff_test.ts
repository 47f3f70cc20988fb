import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffDelay } from "./backoff.ts";

Deno.test("a delay doubles from the first to the longest", () => {
  const options = { firstMs: 1000, maxMs: 300_000 };
  const delays = [1, 2, 3, 4, 9, 10, 11, 1e9].map((failures) => backoffDelay(failures, options, 0));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000]);
});

Deno.test("a delay is never longer than without jitter and never shorter by more than the jitter's share", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -5, max: 2000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, firstMs, moreMs, jitter, random) => {
        const options = { firstMs, maxMs: firstMs + moreMs, jitter };
        const delay = backoffDelay(failures, options, random);
        const full = backoffDelay(failures, options, 0);
        assert.ok(delay <= full && delay >= full * (1 - jitter) - 1e-6, `${delay} of ${full}`);
        assert.ok(full >= firstMs && full <= options.maxMs);
        assert.ok(full <= backoffDelay(failures + 1, options, 0));
      },
    ),
    { seed: 1 },
  );
});
