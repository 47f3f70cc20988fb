/** The text of the two kinds of configuration files: `.env`, and JSON with the place of its first error. Pure. */

const LINE = new RegExp(
  [
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/, // NAME =
    /(?:"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|`([^`]*)`|([^\r\n#]*))/, // one of four kinds of values
    /[ \t]*(?:#.*)?\r?$/, // a comment
  ].map((part) => part.source).join(""),
  "gm",
);

/**
 * Reads a `.env` file: `NAME=value`, `export NAME=value`, comments after `#`, values in single, double or back
 * quotes that may span lines; `\n`, `\r`, `\t`, `\"` and `\\` are understood in double quotes. The last line of a name counts;
 * other lines are ignored.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const [, name, double, single, back, bare] of text.replace(/^\uFEFF/, "").matchAll(LINE)) {
    found[name] = double !== undefined ? unescape(double) : single ?? back ?? bare.trim();
  }
  return found;
}

function unescape(text: string): string {
  const meanings: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };
  return text.replace(/\\([nrt"\\])/g, (_, letter) => meanings[letter]);
}

/** JSON text that is not JSON: where (both from 1), without quoting the text, which may hold secrets. */
export interface JsonMistake {
  readonly line: number;
  readonly column: number;
}

const TOKEN =
  /\s*(?:("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/guy;

/** Where text that JSON.parse refuses goes wrong: the first character that cannot follow what is before it. */
export function locateJsonMistake(text: string): JsonMistake {
  const stack: string[] = [];
  let expected = "value";
  let end = 0;
  for (const [token, string, scalar, mark] of text.matchAll(TOKEN)) {
    const next = follow(expected, string ? "string" : scalar ? "scalar" : mark, stack);
    if (!next) break;
    expected = next;
    end += token.length;
  }
  end += text.slice(end).search(/\S|$/);
  const before = text.slice(0, end).split("\n");
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/** The grammar of JSON, one token at a time: what may come after `token`, or undefined when it may not come. */
function follow(expected: string, token: string, stack: string[]): string | undefined {
  const afterValue = () => stack.length === 0 ? "nothing" : stack.at(-1) === "{" ? ", or }" : ", or ]";
  const open = expected === "value" || expected === "value or ]";
  if (open && (token === "string" || token === "scalar")) return afterValue();
  if (open && (token === "{" || token === "[")) {
    stack.push(token);
    return token === "{" ? "key or }" : "value or ]";
  }
  if ((token === "}" || token === "]") && expected.endsWith(` or ${token}`)) {
    stack.pop();
    return afterValue();
  }
  if (token === "string" && (expected === "key" || expected === "key or }")) return ":";
  if (token === ":" && expected === ":") return "value";
  if (token === "," && expected.startsWith(", or")) return expected === ", or }" ? "key" : "value";
  return undefined;
}
