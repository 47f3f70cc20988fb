/**
 * Cuts WDL source (draft-2 to 1.3) into tokens. Strings and commands stay whole, since what stands in them is not ours
 * to read. Pure. Source: https://github.com/openwdl/wdl
 */

/** `text` of a string has its quotes, of a command its delimiters. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "command" | "symbol";
  readonly text: string;
  /** Where it begins and ends in the source. */
  readonly start: number;
  readonly end: number;
}

/** What is certainly no WDL; the message tells the line. */
export class WdlSyntaxError extends Error {
  override readonly name = "WdlSyntaxError";
  constructor(source: string, position: number, problem: string) {
    super(`line ${source.slice(0, position).split("\n").length}: ${problem}`);
  }
}

const SPACE = /(?:\s+|#.*)+/y;
const WORD = /[A-Za-z]\w*/y;
const NUMBER = /(?:0x[\da-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y;

/** @throws {@link WdlSyntaxError} for an unknown character and for what is never closed */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while ((position = skip(SPACE, source, position)) < source.length) {
    const token = tokenAt(source, position, tokens.at(-1));
    tokens.push(token);
    position = token.end;
  }
  return tokens;
}

function tokenAt(source: string, start: number, before: Token | undefined): Token {
  const make = (kind: Token["kind"], end: number): Token => ({
    kind,
    text: source.slice(start, end),
    start,
    end,
  });
  const char = source[start];
  if (before?.kind === "word" && before.text === "command" && char === "{") {
    return make("command", closingBrace(source, start));
  }
  if (source.startsWith("<<<", start)) {
    const command = before?.text === "command";
    return make(command ? "command" : "string", closingHeredoc(source, start, command));
  }
  if (char === '"' || char === "'") return make("string", closingQuote(source, start));
  const word = skip(WORD, source, start);
  if (word > start) return make("word", word);
  const number = skip(NUMBER, source, start);
  if (number > start) return make("number", number);
  if ("{}()[]<>=!+-*/%&|.,:?".includes(char)) return make("symbol", start + 1);
  throw new WdlSyntaxError(source, start, `unexpected ${JSON.stringify(char)}`);
}

function skip(pattern: RegExp, source: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.test(source) ? pattern.lastIndex : position;
}

function closingQuote(source: string, start: number): number {
  const quote = source[start];
  for (let i = start + 1; i < source.length && source[i] !== "\n";) {
    if (source[i] === quote) return i + 1;
    i = afterPiece(source, i);
  }
  throw new WdlSyntaxError(source, start, "this string is not closed");
}

/** A command in braces ends at the first brace that closes no placeholder. */
function closingBrace(source: string, start: number): number {
  for (let i = start + 1; i < source.length; i = afterPiece(source, i)) {
    if (source[i] === "}") return i + 1;
  }
  throw new WdlSyntaxError(source, start, "this command is not closed");
}

/** In such a command `${` belongs to the shell, in such a string (WDL 1.2) to WDL. */
function closingHeredoc(source: string, start: number, command: boolean): number {
  for (let i = start + 3; i < source.length;) {
    // Of four and more the last three close.
    if (source.startsWith(">>>", i) && source[i + 3] !== ">") return i + 3;
    i = command && source[i] === "$" ? i + 1 : afterPiece(source, i);
  }
  throw new WdlSyntaxError(source, start, `this ${command ? "command" : "string"} is not closed`);
}

/** Where the next piece of a text begins: after an escape, a placeholder or one character. */
function afterPiece(source: string, i: number): number {
  if (source[i] === "\\") return i + 2;
  const placeholder = (source[i] === "~" || source[i] === "$") && source[i + 1] === "{";
  return placeholder ? closingPlaceholder(source, i) : i + 1;
}

function closingPlaceholder(source: string, start: number): number {
  let depth = 0;
  for (let i = start + 1; i < source.length;) {
    const char = source[i];
    if (char === '"' || char === "'") {
      i = closingQuote(source, i);
      continue;
    }
    if (source.startsWith("<<<", i)) {
      i = closingHeredoc(source, i, false);
      continue;
    }
    if (char === "{") depth++;
    if (char === "}" && --depth === 0) return i + 1;
    i++;
  }
  throw new WdlSyntaxError(source, start, "this placeholder is not closed");
}
