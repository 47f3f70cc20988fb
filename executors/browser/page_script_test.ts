import assert from "node:assert/strict";
import {
  jsonLiteral,
  MAX_RESULT_CHARS,
  PageScriptError,
  readResult,
  scriptExpression,
} from "./page_script.ts";
import type { PageKit } from "./page_kit.ts";

/** What a page does with the expression. */
const evaluate = (expression: string): unknown => readResult((0, eval)(expression));
const echo = (_kit: PageKit, argument: unknown) => argument;

const HOSTILE = [
  '"; do shell script "rm -rf ~"',
  "'); alert(1); ('",
  "back\\slash \\u0041 \\",
  "line\nbreak\r\n\ttab",
  "</script><script>alert(1)</script><!--",
  "\u2028 and \u2029",
  "${`template`}",
  "\u{1f600} \ud800 \u0000 \u007f \u00e9",
  '__proto__ "quoted" \' `',
];

Deno.test("whatever the argument holds, it arrives as data and the text is plain ASCII", () => {
  for (const text of HOSTILE) {
    const expression = scriptExpression(echo, { text, list: [text] });
    assert.deepEqual(evaluate(expression), { text, list: [text] });
    assert.doesNotMatch(jsonLiteral(text), /[^\x20-\x7e]|</);
  }
});

Deno.test("answers come back as one line of ASCII, whatever they hold", () => {
  const line = (0, eval)(scriptExpression(echo, HOSTILE));
  assert.doesNotMatch(line, /[^\x20-\x7e]/);
  assert.deepEqual(readResult(line), HOSTILE);
});

Deno.test("a script that throws fails with its message, and an answer that is none with that", () => {
  const failing = (): never => {
    throw new Error("no such luck");
  };
  assert.throws(() => evaluate(scriptExpression(failing, null)), /PageScriptError.*no such luck/);
  for (const text of ["", "missing value", "null", "[1", '"text"']) {
    assert.throws(() => readResult(text), PageScriptError, text);
  }
});

Deno.test("a script that answers nothing answers null", () => {
  assert.equal(evaluate(scriptExpression(() => undefined, null)), null);
});

Deno.test("an answer without end is cut off in the page already", () => {
  const flood = (_kit: PageKit, length: number) => "x".repeat(length);
  assert.throws(() => evaluate(scriptExpression(flood, MAX_RESULT_CHARS)), /longer than/);
});
