import assert from "node:assert/strict";
import { researchItem } from "./item.ts";

const now = Date.UTC(2026, 5, 15);

Deno.test("every platform's items have the same fields, null where the page does not tell", () => {
  const ids = { tiktok: "7311111111111111111", instagram: "DFp17y5MymE", youtube: "aBcDeFgHiJk" } as const;
  const items = (["tiktok", "instagram", "youtube"] as const).map((platform) =>
    researchItem(platform, { id: ids[platform] }, now)
  );
  const fields = [
    "author",
    "author_name",
    "caption",
    "counts",
    "hashtags",
    "id",
    "media",
    "platform",
    "posted_at",
    "posted_at_precision",
    "url",
  ];
  for (const item of items) {
    assert.deepEqual(Object.keys(item!).sort(), fields);
    assert.deepEqual(item!.counts, { views: null, likes: null, comments: null, shares: null });
    assert.deepEqual(item!.media, { type: null, thumbnail_url: null, duration_seconds: null });
    assert.deepEqual([item!.author, item!.caption, item!.hashtags], [null, null, []]);
  }
});

Deno.test("a full item is cleaned up and its address built from checked parts", () => {
  const item = researchItem("tiktok", {
    id: "7311111111111111111",
    kind: "video",
    author: "@brew.lab",
    author_name: " The Brew Lab ",
    caption: "Cold #Brew, #brew & C#sharp https://x.example/#no #\u044f",
    views: "1.2M",
    likes: 5,
    comments: "x",
    posted: "1702268000",
    thumbnail: "https://p16.example/1.jpeg",
    duration: 34,
    unknown: "left out",
  }, now);
  assert.deepEqual(item, {
    platform: "tiktok",
    id: "7311111111111111111",
    url: "https://www.tiktok.com/@brew.lab/video/7311111111111111111",
    author: "brew.lab",
    author_name: "The Brew Lab",
    caption: "Cold #Brew, #brew & C#sharp https://x.example/#no #\u044f",
    hashtags: ["brew", "\u044f"],
    counts: { views: 1_200_000, likes: 5, comments: null, shares: null },
    posted_at: "2023-12-11T04:13:20.000Z",
    posted_at_precision: "second",
    media: { type: "video", thumbnail_url: "https://p16.example/1.jpeg", duration_seconds: 34 },
  });
});

Deno.test("what a page makes up cannot become an address, a script or a flood", () => {
  const hostile = {
    id: "7311111111111111111",
    author: "../../evil?x=",
    thumbnail: "javascript:alert(1)",
    caption: "x".repeat(1e6),
  };
  const item = researchItem("tiktok", hostile, now);
  assert.equal(item?.url, "https://www.tiktok.com/@/video/7311111111111111111");
  assert.equal(item?.media.thumbnail_url, null);
  assert.equal(item?.caption?.length, 2_500);
  const cut = researchItem("youtube", { id: "aBcDeFgHiJk", caption: "x".repeat(2_499) + "\u{1f600}" }, now);
  assert.ok(cut?.caption?.isWellFormed());
});

Deno.test("what is no post of the platform is dropped", () => {
  for (const found of [null, "text", 5, {}, { id: 5 }, { id: "../x" }, { id: "" }, { id: "12345" }]) {
    assert.equal(researchItem("tiktok", found, now), undefined);
  }
  assert.equal(researchItem("youtube", { id: "aBcDeFgHiJk&x" }, now), undefined);
});
