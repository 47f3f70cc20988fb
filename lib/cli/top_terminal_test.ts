import assert from "node:assert/strict";
import { keysOf } from "./top_terminal.ts";
import { cut, fill, line, width } from "./top_text.ts";

Deno.test("keys have names, letters are themselves, unknown sequences are nothing", () => {
  assert.deepEqual(keysOf("q\x1b[A\x1bOB\x1b[5~\t\r\x7f\x03\x1b"), [
    "q",
    "up",
    "down",
    "page-up",
    "tab",
    "enter",
    "backspace",
    "ctrl-c",
    "escape",
  ]);
  assert.deepEqual(keysOf("ö😀 \x1b[1;5C\x1b[15~\x00"), ["ö", "😀", " "]);
});

Deno.test("wide characters count twice, marks not at all", () => {
  assert.deepEqual(["abc", "漢字", "e\u0301", "😀"].map(width), [3, 4, 1, 2]);
});

Deno.test("text is cut and filled to columns", () => {
  assert.deepEqual([cut("abcdef", 4), cut("漢字漢字", 4), cut("ab", 4), cut("ab", 0)], [
    "abc…",
    "漢…",
    "ab",
    "",
  ]);
  assert.deepEqual([fill("ab", 4), fill("ab", 4, "right"), fill("abcdef", 4)], ["ab  ", "  ab", "abc…"]);
});

Deno.test("a line ends at its width, whatever its colours", () => {
  const cells = [{ text: "abc", color: "red" as const }, { text: "defgh" }, { text: "never" }];
  assert.equal(line(cells, 6, { color: false }), "abcde…");
  assert.equal(line(cells, 6, { color: true }), "\x1b[31mabc\x1b[0mde…");
});
