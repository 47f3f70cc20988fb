import assert from "node:assert/strict";
import { retryAfterMs } from "./retry_after.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

Deno.test("seconds and times are told in ms from now", () => {
  assert.equal(retryAfterMs("120", now), 120_000);
  assert.equal(retryAfterMs(" 0 ", now), 0);
  assert.equal(retryAfterMs("Sun, 01 Mar 2026 12:00:30 GMT", now), 30_000);
});

Deno.test("a time that has passed means now", () => {
  assert.equal(retryAfterMs("Sun, 01 Mar 2026 11:59:00 GMT", now), 0);
});

Deno.test("what makes no sense is as if it were not there", () => {
  for (
    const header of [
      undefined,
      null,
      "",
      "soon",
      "-5",
      "1.5",
      "99999999999",
      "2026-03-01",
      "Sun, 99 Foo 2026",
    ]
  ) {
    assert.equal(retryAfterMs(header, now), undefined, String(header));
  }
});
