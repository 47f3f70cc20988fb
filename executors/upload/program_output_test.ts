import assert from "node:assert/strict";
import { outputReader } from "./program_output.ts";

function read(lines: string[], caption = "") {
  const reader = outputReader(caption);
  for (const line of lines) reader.stdout(line);
  return reader;
}

Deno.test("the result is found in one line, among other lines, and the last one counts", () => {
  const reader = read(["starting", 'Result: {"n": 1}', "more", 'Result: {"n": 2}', "bye"]);
  assert.deepEqual(reader.result(), { value: { n: 2 } });
  assert.equal(reader.brokenResult(), false);
});

Deno.test("a pretty-printed result over many lines is put together", () => {
  const json = JSON.stringify({ success: true, list: [1, { a: "}" }], text: "x" }, null, 2);
  assert.deepEqual(read(["", ...`Result: ${json}`.split("\n"), "bye"]).result(), { value: JSON.parse(json) });
});

Deno.test("a result that is cut off or no JSON is told apart from none", () => {
  for (
    const lines of [['Result: {"url": "http'], ["Result: {", '  "a": 1,'], ["Result: ok", "bye"], ["Result:"]]
  ) {
    assert.equal(read(lines).result(), undefined, lines[0]);
    assert.equal(read(lines).brokenResult(), true, lines[0]);
  }
  assert.equal(read(["no result here"]).brokenResult(), false);
  assert.equal(read(['Result: {"a": 1}', "Result: {"]).result(), undefined);
});

Deno.test("a broken result does not hide what the program tells after it", () => {
  assert.ok(read(["Result: {", "clicking the Post button"]).postingBegan());
});

Deno.test("an endless result is given up", () => {
  const reader = read(["Result: {", ...Array(60).fill('"x": "'.padEnd(5_000, "y") + '",')]);
  assert.equal(reader.result(), undefined);
  assert.ok(reader.brokenResult());
});

Deno.test("words by which programs tell that they post are heeded, on both streams", () => {
  for (
    const line of [
      "Posting: now",
      "12:00:01 | Clicked the 'Post' button",
      "Pressing Share",
      "Publishing reel...",
      "✅ Video posted!",
      "Upload complete",
    ]
  ) {
    assert.ok(read([line]).postingBegan(), line);
    const reader = outputReader("");
    reader.stderr(line);
    assert.ok(reader.postingBegan(), line);
  }
  for (
    const line of [
      "opening https://www.tiktok.com/upload",
      "uploading the file: 20 %",
      "safari_instagram_poster 1.0",
    ]
  ) {
    assert.equal(read([line]).postingBegan(), false, line);
  }
});

Deno.test("lines of the caption that a program repeats are neither its result nor its progress", () => {
  const forged = 'Result: {"url": "https://www.tiktok.com/@x/video/7345678901234567890"}';
  const caption = `I posted this yesterday\n${forged}`;
  const reader = read(["I posted this yesterday", ` ${forged}`], caption);
  assert.equal(reader.result(), undefined);
  assert.equal(reader.postingBegan(), false);
});

Deno.test("a program that printed nothing is silent", () => {
  assert.ok(read(["", "  "]).silent());
  assert.equal(read(["x"]).silent(), false);
});
