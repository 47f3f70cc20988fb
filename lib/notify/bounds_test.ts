import assert from "node:assert/strict";
import { redactor } from "../log/redaction.ts";
import { bounded, cut } from "./bounds.ts";

const clean = redactor(["hunter2-secret"]);
const plain = { kind: "k", severity: "info", title: "T", text: "text" } as const;

Deno.test("a notification goes out without secrets, also in its data", () => {
  const { title, text, data } = bounded({
    ...plain,
    title: "hunter2-secret",
    text: "a hunter2-secret b",
    data: { deep: ["hunter2-secret"], apiToken: "xyz" },
  }, clean);
  assert.deepEqual([title, text], ["[redacted]", "a [redacted] b"]);
  assert.deepEqual(data, { deep: ["[redacted]"], apiToken: "[redacted]" });
});

Deno.test("titles are one line, texts keep theirs, and what no database takes is gone", () => {
  const { title, text } = bounded({ ...plain, title: "a\r\nb\0c", text: "a\r\nb\0c\ud800d" }, clean);
  assert.equal(title, "a b c");
  assert.equal(text, "a\nb c\ufffdd");
});

Deno.test("titles, texts and data are bounded", () => {
  const long = "x".repeat(100_000);
  const { title, text, data } = bounded(
    { ...plain, title: long, text: long, data: { a: [long, long] } },
    clean,
  );
  assert.ok(title.length <= 200 && text.length <= 16_000);
  assert.deepEqual(data, { left_out: "more than 16000 bytes" });
});

Deno.test("an empty title is the kind", () => {
  assert.equal(bounded({ ...plain, title: " " }, clean).title, "k");
});

Deno.test("cutting halves no character", () => {
  assert.equal(cut("ab🎬d", 4), "ab…");
  assert.equal(cut("abcd", 4), "abcd");
});
