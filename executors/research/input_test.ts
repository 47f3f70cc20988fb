import assert from "node:assert/strict";
import { researchInput, targetOf } from "./input.ts";

Deno.test("platforms and the number of items have the documented defaults", () => {
  const input = researchInput.parse({ research_type: "search", query: " cold brew " });
  assert.deepEqual([input.platforms, input.max_items, input.query], [
    ["tiktok", "instagram"],
    50,
    "cold brew",
  ]);
});

Deno.test("input that makes no sense is refused with the field's name", () => {
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ research_type: "explode" }, /research_type/],
    [{ research_type: "search" }, /query/],
    [{ research_type: "search", query: "  " }, /query/],
    [{ research_type: "search", query: "\ud800" }, /query/],
    [{ research_type: "search", query: "x".repeat(201) }, /query/],
    [{ research_type: "hashtag", query: "x" }, /hashtag/],
    [{ research_type: "hashtag", hashtag: "two words" }, /hashtag/],
    [{ research_type: "hashtag", hashtag: "../up" }, /hashtag/],
    [{ research_type: "trending", platforms: [] }, /platforms/],
    [{ research_type: "trending", platforms: ["myspace"] }, /platforms/],
    [{ research_type: "trending", platforms: ["tiktok", "tiktok"] }, /platforms/],
    [{ research_type: "trending", max_items: 501 }, /max_items/],
    [{ research_type: "trending", max_items: 0 }, /max_items/],
    [{ research_type: "trending", country: "../x" }, /country/],
    [{ research_type: "trending", url: "https://evil.example" }, /url/],
  ];
  for (const [input, message] of bad) assert.throws(() => researchInput.parse(input), message);
});

Deno.test("a hashtag is the same with and without its sign", () => {
  for (const hashtag of ["#caf\u00e9_2", "caf\u00e9_2"]) {
    const input = researchInput.parse({ research_type: "hashtag", hashtag });
    assert.deepEqual(targetOf(input), { type: "hashtag", hashtag: "caf\u00e9_2" });
  }
});
