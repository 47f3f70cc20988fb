import assert from "node:assert/strict";
import { remotionInput } from "./input.ts";

const problems = (input: unknown) => {
  const read = remotionInput.safeParse(input);
  return read.success ? [] : read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
};

Deno.test("an empty input asks for MainVideo as h264, with a thumbnail", () => {
  assert.deepEqual(remotionInput.parse({}), {
    composition: "MainVideo",
    props: {},
    codec: "h264",
    muted: false,
    thumbnail: true,
  });
});

Deno.test("a composition can be nothing but an id: no option, no path, no address", () => {
  for (
    const composition of [
      "--props=/etc/passwd",
      "-h",
      "../x",
      "a/b",
      "http://x",
      "a b",
      "",
      "a\0",
      "x".repeat(201),
    ]
  ) {
    assert.equal(problems({ composition }).length > 0, true, composition);
  }
  for (const composition of ["Main-Video2", "片头", "7"]) assert.deepEqual(problems({ composition }), []);
});

Deno.test("an entry can be nothing but a relative path", () => {
  for (const entry of ["--config=x", "/etc/passwd", "\\\\host\\x", "a\0b", ""]) {
    assert.equal(problems({ entry }).length > 0, true, entry);
  }
  assert.deepEqual(problems({ entry: "src/index.ts" }), []);
});

Deno.test("the quality must be one that the codec has", () => {
  assert.match(problems({ crf: 0 })[0]!, /crf: must be 1 to 51 for h264/);
  assert.match(problems({ codec: "vp8", crf: 3 })[0]!, /crf: must be 4 to 63 for vp8/);
  assert.match(problems({ codec: "prores", crf: 10 })[0]!, /crf: prores takes none/);
  assert.deepEqual(problems({ codec: "vp9", crf: 63 }), []);
});

Deno.test("props are bounded in length and depth", () => {
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 10_000; level++) deep = { deep };
  assert.match(problems({ props: deep })[0]!, /props: must not be nested deeper than 64/);
  assert.match(problems({ props: { text: "x".repeat(1_000_001) } })[0]!, /props: must not be longer/);
  assert.match(problems({ props: [] })[0]!, /props: /);
});

Deno.test("frames are a range in order, and unknown fields are refused", () => {
  assert.match(problems({ frames: [10, 5] })[0]!, /frames: must be the first and the last frame/);
  assert.deepEqual(problems({ frames: [5, 5] }), []);
  assert.match(problems({ compositon: "Film" })[0]!, /compositon/);
});
