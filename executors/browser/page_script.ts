/** Turning functions into text that runs in a page, and their results back. What goes in and out is JSON and ASCII. */
import { type PageKit, pageKit } from "./page_kit.ts";

/**
 * A function that runs in a page. It must be self-contained: it is sent as text, so it may use nothing but its
 * arguments and what every page has. Argument and result must be JSON.
 */
export type PageScript<Argument, Result> = (kit: PageKit, argument: Argument) => Result;

/** A script that threw in the page, or whose answer makes no sense. */
export class PageScriptError extends Error {
  override readonly name = "PageScriptError";
}

/** The most that a script may answer, in characters of its line of text. */
export const MAX_RESULT_CHARS = 4 * 1024 ** 2;

/**
 * A JavaScript expression that calls the function with the argument and yields its outcome as one line of ASCII text,
 * for {@link readResult}.
 */
export function scriptExpression<Argument>(
  script: PageScript<Argument, unknown>,
  argument: Argument,
): string {
  return `(${runInPage})(${pageKit}, ${script}, ${jsonLiteral(argument)}, ${MAX_RESULT_CHARS})`;
}

/**
 * JSON that is the same value as a literal of JavaScript wherever it is put: without characters beyond ASCII (line
 * separators end lines in old engines, and programs differ on encodings) and without `<` (which could end a script).
 */
export function jsonLiteral(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(
    /[<\x7f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * What the function answered; undefined becomes null.
 * @throws PageScriptError when it threw, or when the page gave something else than its answer
 */
export function readResult(text: string): unknown {
  const answer = parse(text);
  if (typeof answer !== "object" || answer === null) {
    throw new PageScriptError("the page gave no answer to a script");
  }
  if ("error" in answer) throw new PageScriptError(`a script failed in the page: ${String(answer.error)}`);
  return "result" in answer ? answer.result : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told by the caller
  }
}

/** Runs in the page, with the kit and the script spliced in as text. */
function runInPage(
  makeKit: () => PageKit,
  script: PageScript<unknown, unknown>,
  argument: unknown,
  maxChars: number,
): string {
  const toText = (answer: unknown) =>
    JSON.stringify(answer).replace(
      /[\x7f-\uffff]/g,
      (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
    );
  try {
    const result = script(makeKit(), argument);
    const text = toText({ result: result === undefined ? null : result });
    if (text.length > maxChars) throw new Error(`its answer is longer than ${maxChars} characters`);
    return text;
  } catch (error) {
    return toText({ error: String(error).slice(0, 500) });
  }
}
