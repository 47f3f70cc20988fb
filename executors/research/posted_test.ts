import assert from "node:assert/strict";
import { parsePosted, postedById } from "./posted.ts";

const now = Date.UTC(2026, 5, 15, 12);

Deno.test("times are read from seconds, milliseconds and ISO dates", () => {
  const second = { at: "2023-12-11T04:13:20.000Z", precision: "second" };
  for (const value of [1_702_268_000, "1702268000", 1_702_268_000_000, "2023-12-11T04:13:20Z"]) {
    assert.deepEqual(parsePosted(value, now), second, String(value));
  }
  assert.deepEqual(parsePosted("2024-02-29", now), { at: "2024-02-29T00:00:00.000Z", precision: "day" });
});

Deno.test("times that a page tells roughly are counted back and say how rough they are", () => {
  assert.deepEqual(parsePosted("3 days ago", now), { at: "2026-06-12T12:00:00.000Z", precision: "day" });
  assert.deepEqual(parsePosted("Streamed 4 hours ago", now), {
    at: "2026-06-15T08:00:00.000Z",
    precision: "hour",
  });
  assert.equal(parsePosted("2 years ago", now)?.precision, "year");
  assert.equal(parsePosted("1 week ago", now)?.at, "2026-06-08T12:00:00.000Z");
});

Deno.test("times that cannot be are unknown", () => {
  const bad = [
    "yesterday",
    "",
    null,
    {},
    -1,
    0,
    12,
    "99999999999999",
    now / 1_000 + 1e6,
    "2024-13-45",
    "9999 years ago",
  ];
  for (const value of bad) assert.equal(parsePosted(value, now), null, String(value));
});

Deno.test("ids of TikTok and Instagram hold the time of posting", () => {
  assert.equal(postedById("tiktok", "7163916748088903169", now)?.at, "2022-11-09T07:35:47.000Z");
  assert.equal(postedById("instagram", "BcRItUGHTZ7", now)?.at.slice(0, 19), "2017-12-04T04:58:28");
  assert.equal(postedById("youtube", "dQw4w9WgXcQ", now), null);
  assert.equal(postedById("instagram", "BcRItUGHTZ7-and-a-key-of-a-private-post", now), null);
});
