import assert from "node:assert/strict";
import { type RawItem, type ResearchItem, researchItem } from "./item.ts";
import { fairShare, mergeInto, thatFit } from "./merge.ts";

const item = (id: number, more: Partial<RawItem> = {}): ResearchItem =>
  researchItem("tiktok", { id: `731111111111111111${id}`, ...more }, Date.UTC(2026, 0, 1))!;

Deno.test("the same post is kept once, in the place where it was first seen", () => {
  const known = new Map<string, ResearchItem>();
  mergeInto(known, [item(1), item(2), item(1)]);
  mergeInto(known, [item(2), item(3)]);
  assert.deepEqual([...known.values()].map(({ id }) => id.slice(-1)), ["1", "2", "3"]);
});

Deno.test("what one sighting lacks the other gives, and the first goes before", () => {
  const known = new Map<string, ResearchItem>();
  mergeInto(known, [item(1, { views: "1.2M", caption: "Short" })]);
  mergeInto(known, [
    item(1, { views: 5, likes: 7, author: "me", kind: "image", caption: "Short and #long", duration: 3 }),
  ]);
  const [merged] = known.values();
  assert.deepEqual(merged!.counts, { views: 1_200_000, likes: 7, comments: null, shares: null });
  assert.deepEqual([merged!.caption, merged!.hashtags], ["Short and #long", ["long"]]);
  assert.equal(merged!.url, "https://www.tiktok.com/@me/photo/7311111111111111111");
  assert.equal(merged!.media.duration_seconds, 3);
});

Deno.test("platforms share the room fairly, and one with little leaves its place to the others", () => {
  const lists = [[item(1), item(2), item(3), item(4)], [item(5)], [item(6), item(7), item(8)]];
  const ids = (max: number) => fairShare(lists, max).map(({ id }) => id.slice(-1)).join("");
  assert.equal(ids(3), "156");
  assert.equal(ids(6), "123567");
  assert.equal(ids(2), "15");
  assert.equal(ids(100), "12345678");
});

Deno.test("only so many items are given as fit into the output", () => {
  const items = [item(1), item(2), item(3)];
  const one = JSON.stringify(items[0]).length + 1;
  assert.equal(thatFit(items, one * 2).length, 2);
  assert.equal(thatFit(items, one * 2 - 1).length, 1);
  assert.equal(thatFit(items, 0).length, 0);
  assert.equal(thatFit(items, 1e6).length, 3);
});
