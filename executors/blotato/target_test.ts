import assert from "node:assert/strict";
import { TaskError } from "../../lib/task/task.ts";
import { type BlotatoPlatform, buildTarget, platformUrl } from "./target.ts";

const build = (platform: BlotatoPlatform, target = {}, more: { title?: string; mediaCount?: number } = {}) =>
  buildTarget({ platform, target, mediaCount: 1, ...more });
const refuses = (message: RegExp, ...args: Parameters<typeof build>) =>
  assert.throws(
    () => build(...args),
    (error) => error instanceof TaskError && !error.retry && message.test(error.message),
    String(message),
  );

Deno.test("platforms without fields of their own need only their name", () => {
  for (const platform of ["twitter", "bluesky", "threads", "linkedin", "instagram"] as const) {
    assert.deepEqual(build(platform), { targetType: platform });
  }
});

Deno.test("switches that nobody touched are off, and what decides who sees a post must be said", () => {
  assert.deepEqual(build("tiktok", { privacyLevel: "SELF_ONLY", isAiGenerated: true, disabledDuet: true }), {
    targetType: "tiktok",
    privacyLevel: "SELF_ONLY",
    isAiGenerated: true,
    isBrandedContent: false,
    isYourBrand: false,
    disabledComments: false,
    disabledDuet: true,
    disabledStitch: false,
  });
  refuses(/for tiktok: target.privacyLevel: .*; target.isAiGenerated: /, "tiktok");
  refuses(/target.privacyStatus/, "youtube", {}, { title: "T" });
});

Deno.test("the input's title becomes the target's where the platform has one", () => {
  const target = { privacyStatus: "unlisted" };
  assert.equal(build("youtube", target, { title: "T" }).title, "T");
  assert.equal(build("youtube", { ...target, title: "own" }, { title: "T" }).title, "own");
  assert.equal(build("twitter", {}, { title: "T" }).title, undefined);
  refuses(/for youtube: target.title/, "youtube", target);
  refuses(/target.title: must not hold/, "youtube", target, { title: "<b>" });
});

Deno.test("pages and boards are required where a post cannot do without", () => {
  assert.deepEqual(build("facebook", { pageId: 12 }), { targetType: "facebook", pageId: "12" });
  refuses(/target.pageId/, "facebook");
  refuses(/target.boardId/, "pinterest");
});

Deno.test("fields that are not known here are passed on", () => {
  assert.deepEqual(build("instagram", { mediaType: "reel", shareToFeed: true }), {
    targetType: "instagram",
    mediaType: "reel",
    shareToFeed: true,
  });
  refuses(/target.mediaType/, "instagram", { mediaType: "poem" });
});

Deno.test("platforms that take no bare text say so, and the target cannot name another platform", () => {
  refuses(/a picture or film is required/, "instagram", {}, { mediaCount: 0 });
  assert.ok(build("twitter", {}, { mediaCount: 0 }));
  refuses(/target.targetType must be twitter/, "twitter", { targetType: "tiktok" });
});

Deno.test("only addresses on the platform's own host count as those of a post", () => {
  assert.ok(platformUrl("twitter", "https://x.com/jane/status/1"));
  assert.ok(platformUrl("pinterest", "https://www.pinterest.co.uk/pin/1/"));
  for (
    const url of [
      "https://x.com/",
      "http://x.com/jane",
      "https://x.com.evil.example/a",
      "https://notx.com/a",
      1,
    ]
  ) {
    assert.equal(platformUrl("twitter", url), undefined, String(url));
  }
});
