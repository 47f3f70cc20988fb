import assert from "node:assert/strict";
import { crfFor } from "./codec.ts";

Deno.test("the platform decides the quality of h264 and h265", () => {
  const platforms = ["tiktok", "Instagram", "youtube", "threads", undefined, "constructor"];
  assert.deepEqual(platforms.map((platform) => crfFor("h264", platform)), [18, 18, 15, 20, 20, 20]);
  assert.equal(crfFor("h265", "youtube"), 15);
});

Deno.test("a wanted quality goes before the platform's", () => {
  assert.equal(crfFor("h264", "tiktok", 30), 30);
});

Deno.test("codecs with another scale or without one get Remotion's own quality", () => {
  assert.deepEqual([crfFor("vp9", "tiktok"), crfFor("prores", "tiktok"), crfFor("gif")], [
    undefined,
    undefined,
    undefined,
  ]);
  assert.equal(crfFor("vp9", "tiktok", 35), 35);
});
