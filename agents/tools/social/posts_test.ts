import { deepEqual, equal } from "node:assert/strict";
import { readPosts } from "./posts.ts";

const URL_A = "https://x.com/ann/status/1";

Deno.test("a post of a research task is read with its counts", () => {
  const item = {
    platform: "tiktok",
    id: "1",
    url: URL_A,
    author: "ann",
    caption: "c",
    counts: { views: 5, likes: null, comments: 2, shares: null },
    posted_at: "2026-03-01T00:00:00Z",
  };
  deepEqual(readPosts([item], "solo"), [{
    url: URL_A,
    niche: "solo",
    platform: "tiktok",
    author: "ann",
    caption: "c",
    views: 5,
    comments: 2,
    posted_at: "2026-03-01T00:00:00.000Z",
  }]);
});

Deno.test("the shapes of the market research service's platforms are read alike", () => {
  const shapes = [
    { tweetUrl: URL_A, text: "t", author: { username: "@ann" }, retweets: 3, replies: 1 },
    { url: URL_A, content: "t", handle: "ann", reposts: "3", comments: "1" },
    { permalink: URL_A, description: "t", creator: "ann", shareCount: 3, commentCount: 1 },
  ];
  const read = shapes.map((shape) => readPosts([shape], "n", "twitter")[0]);
  for (const post of read) {
    deepEqual(post, {
      url: URL_A,
      niche: "n",
      platform: "twitter",
      author: "ann",
      caption: "t",
      comments: 1,
      shares: 3,
    });
  }
});

Deno.test("counts are read as pages show them, and nonsense is left out", () => {
  const views = (value: unknown) => readPosts([{ url: URL_A, views: value }], "n", "twitter")[0]!.views;
  deepEqual(["1,234", "12.5K", "3M", "1b", 7.6].map(views), [1_234, 12_500, 3_000_000, 1_000_000_000, 8]);
  deepEqual(["many", "", -1, NaN, 1e300, {}].map(views), Array(6).fill(undefined));
});

Deno.test("posts without an address or a platform are left out, and lists are bounded", () => {
  deepEqual(readPosts([{ text: "a" }, { url: "javascript:x" }, null, 7, "x"], "n", "twitter"), []);
  deepEqual(readPosts([{ url: URL_A }], "n"), []);
  deepEqual(readPosts("no list", "n", "twitter"), []);
  equal(readPosts(Array(900).fill({ url: URL_A }), "n", "twitter").length, 500);
  equal(readPosts([{ url: URL_A, text: "x".repeat(9_000) }], "n", "twitter")[0]!.caption!.length, 2_500);
});
