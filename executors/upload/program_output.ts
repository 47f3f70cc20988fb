/**
 * What an upload program tells while it runs: logs, and at the end `Result: {json}` on stdout, in one line or
 * pretty-printed over many (Python's `json.dumps(result, indent=2)`). Pure.
 */

/** Reads a program's lines as they come. */
export interface OutputReader {
  stdout(line: string): void;
  stderr(line: string): void;
  /** The last whole result, if there was one. */
  result(): { readonly value: unknown } | undefined;
  /** A `Result:` came whose JSON is broken or cut off. */
  brokenResult(): boolean;
  /** The program said that it has begun to post, or has posted. */
  postingBegan(): boolean;
  /** It printed nothing at all, so that nobody knows how far it came. */
  silent(): boolean;
}

const MAX_RESULT_LENGTH = 256 * 1024;

/**
 * Words by which programs tell that the post is being sent; `Posting:` at the start of a line is the documented one.
 * Rather too many than too few: a false alarm costs a look by a person, an overlooked one a second post.
 */
const POSTING = [
  /\b(click|press|tap|hit|push)\w*\b.{0,60}\b(post|publish|share|submit|upload)\b/i,
  /\b(posting|publishing|sharing|submitting)\b/i,
  /\b(posted|published|shared|submitted)\b/i,
  /\bupload(ed)?\b.{0,20}\b(complete|completed|finished|succeeded|successful|successfully|done)\b/i,
];

/** Whether a text says that a post is being sent or was. */
export function tellsOfPosting(text: string): boolean {
  return POSTING.some((pattern) => pattern.test(text.slice(0, 2_000)));
}

/** @param caption lines of it that the program repeats say nothing about the program */
export function outputReader(caption: string): OutputReader {
  const own = new Set(caption.split(/\r\n?|\n/).map((line) => line.trim()).filter((line) => line !== ""));
  let found: { value: unknown } | undefined;
  let pending: string | undefined;
  let broken = false;
  let began = false;
  let anything = false;
  const heed = (line: string) => {
    if (line.trim() === "") return;
    anything = true;
    if (!own.has(line.trim()) && tellsOfPosting(line)) began = true;
  };
  const take = (text: string) => {
    const value = parseJson(text);
    found = value === undefined ? undefined : { value };
    broken = value === undefined;
    const mayGoOn = broken && /^[{[]/.test(text) && text.length <= MAX_RESULT_LENGTH;
    pending = mayGoOn ? text : undefined;
  };
  return {
    stdout(line) {
      heed(line);
      const start = own.has(line.trim()) ? null : /^\s*Result:\s*(.*)$/.exec(line);
      if (start) take(start[1]); // the last one counts
      else if (pending !== undefined) take(`${pending}\n${line}`);
    },
    stderr: heed,
    result: () => found,
    brokenResult: () => broken,
    postingBegan: () => began,
    silent: () => !anything,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // more lines may follow
  }
}
