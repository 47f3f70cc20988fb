import assert from "node:assert/strict";
import { fullCaption, hashtagsIn, shownSource, uploadInput } from "./input.ts";

const good = { platform: "tiktok", video_url: "https://cdn.example/v.mp4", caption: "hi" };

Deno.test("the input needs a known platform, a caption and exactly one source", () => {
  assert.deepEqual(uploadInput.parse(good), { ...good, hashtags: [] });
  assert.ok(uploadInput.safeParse({ platform: "youtube", file: "v.mp4", caption: "" }).success);
  for (
    const bad of [
      { ...good, platform: "myspace" },
      { ...good, file: "v.mp4" },
      { platform: "tiktok", caption: "hi" },
      { ...good, video_url: "file:///etc/passwd" },
      { ...good, caption: "a\0b" },
      { ...good, caption: "\x1b[2J" },
      { ...good, title: "two\nlines" },
      { ...good, hashtags: ["two words"] },
      { ...good, approval: "none" },
      { ...good, dry_run: true },
    ]
  ) assert.equal(uploadInput.safeParse(bad).success, false, JSON.stringify(bad));
});

Deno.test("hashtags are added to the caption once, with their sign, in its own layout", () => {
  assert.equal(
    fullCaption({ caption: "hi #One", hashtags: ["one", "#two", "two", "drei_3"] }),
    "hi #One #two #drei_3",
  );
  assert.equal(fullCaption({ caption: "a\nb", hashtags: ["c"] }), "a\nb\n\n#c");
  assert.equal(fullCaption({ caption: "", hashtags: ["c"] }), "#c");
  assert.equal(fullCaption({ caption: "as it is", hashtags: [] }), "as it is");
  assert.deepEqual(hashtagsIn("#a #A #bé, c#d"), ["#a", "#bé", "#d"]);
});

Deno.test("an address is shown without the signature in its query", () => {
  assert.equal(
    shownSource({ video_url: "https://cdn.example/a/v.mp4?token=secret#x" }),
    "https://cdn.example/a/v.mp4",
  );
  assert.equal(shownSource({ file: "in/v.mp4" }), "in/v.mp4");
});
