import { deepEqual, equal, match } from "node:assert/strict";
import { localDay, mondayOf, monthBounds } from "./months.ts";

Deno.test("weeks begin on Monday, months end where the next one begins", () => {
  deepEqual(["2026-03-16", "2026-03-18", "2026-03-22"].map(mondayOf), [
    "2026-03-16",
    "2026-03-16",
    "2026-03-16",
  ]);
  equal(mondayOf("2026-01-01"), "2025-12-29");
  deepEqual(monthBounds("2026-12"), { from: Date.UTC(2026, 11), to: Date.UTC(2027, 0) });
  match(localDay(Date.UTC(2026, 2, 15, 12)), /^2026-03-1[456]$/);
});
