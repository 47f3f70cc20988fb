import assert from "node:assert/strict";
import type { Media } from "../ffmpeg/probe.ts";
import { extensionOf, mediaProblems, textProblems } from "./limits.ts";

const video = { codec: "h264", width: 1080, height: 1920, fps: 30 };
const film = (more: Partial<Media> = {}, picture: Partial<NonNullable<Media["video"]>> = {}): Media => ({
  durationSeconds: 30,
  format: "mov,mp4,m4a,3gp,3g2,mj2",
  video: { ...video, ...picture },
  ...more,
});
const MB = 1e6;

Deno.test("an ordinary upright film is taken everywhere", () => {
  for (const platform of ["tiktok", "instagram", "youtube"] as const) {
    assert.deepEqual(mediaProblems(platform, film(), 50 * MB), [], platform);
  }
  assert.deepEqual(mediaProblems("tiktok", film({}, { fps: 59.94 }), MB), []);
  assert.deepEqual(mediaProblems("instagram", film({}, { fps: 60.02 }), MB), []);
});

Deno.test("every limit is told with what is and what should be", () => {
  const cases = [
    ["tiktok", film({ durationSeconds: 3_601 }), MB, /lasts 3601 s, not 1 to 3600 s/],
    ["instagram", film({ durationSeconds: 2.5 }), MB, /lasts 2.5 s, not 3 to 900 s/],
    ["youtube", film({ durationSeconds: 43_300 }), MB, /lasts 43300 s, not 1 to 43200 s/],
    ["instagram", film(), 4_100 * MB, /has 4.1 GB, more than 4 GB/],
    ["tiktok", film({}, { width: 320 }), MB, /320x1920 pixels; each side must have 360 to 4096/],
    ["instagram", film({}, { width: 2_160, height: 3_840 }), MB, /width at most 1920/],
    ["instagram", film({}, { width: 1_900, height: 100 }), MB, /ratio is 19, not 0.01 to 10/],
    ["tiktok", film({}, { fps: 15 }), MB, /15 frames a second, not 23 to 60/],
    ["instagram", film({}, { codec: "vp9" }), MB, /coded as vp9, but only h264, hevc/],
    ["tiktok", film({ format: "avi" }), MB, /container is avi, but only MP4, MOV and WebM/],
    ["tiktok", film({ format: "matroska,webm" }), MB, /container is matroska/],
    ["tiktok", film({ durationSeconds: undefined }), MB, /length is unknown/],
    ["youtube", { ...film(), video: undefined }, MB, /has no picture/],
  ] as const;
  for (const [platform, media, bytes, problem] of cases) {
    const found = mediaProblems(platform, media, bytes);
    assert.equal(found.length, 1, `${platform}: ${found.join("; ")}`);
    assert.match(found[0], problem);
  }
});

Deno.test("WebM is told apart from Matroska by its codec", () => {
  assert.deepEqual(mediaProblems("tiktok", film({ format: "matroska,webm" }, { codec: "vp9" }), MB), []);
  assert.equal(extensionOf(film({ format: "matroska,webm" }, { codec: "vp9" })), "webm");
  assert.equal(extensionOf(film({ format: "matroska,webm" })), "mkv");
  assert.equal(extensionOf(film()), "mp4");
  assert.equal(extensionOf(film({ format: "mpegts" })), "ts");
});

Deno.test("captions are counted as each platform counts them", () => {
  assert.deepEqual(textProblems("tiktok", "x".repeat(2_200)), []);
  assert.match(textProblems("tiktok", "x".repeat(2_201))[0], /2201 characters, more than 2200/);
  assert.match(textProblems("youtube", "é".repeat(2_501))[0], /5002 bytes, more than 5000/);
  const tags = Array.from({ length: 31 }, (_, i) => `#t${i}`).join(" ");
  assert.match(textProblems("instagram", tags)[0], /31 hashtags, more than 30/);
  assert.deepEqual(textProblems("tiktok", tags), []);
});

Deno.test("YouTube's titles are bounded and hold no angle brackets", () => {
  assert.match(textProblems("youtube", "", "x".repeat(101))[0], /title has 101 characters, more than 100/);
  assert.match(textProblems("youtube", "", "a <b>")[0], /must not hold </);
  assert.deepEqual(textProblems("tiktok", "<3", "x".repeat(101)), []);
});
