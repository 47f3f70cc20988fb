/** The kinds of values that configuration fields have. Each takes the text of an environment variable as well. */
import { z } from "zod";

/** A number from `min` to `max`; `unit` is for the message, e.g. "seconds". */
export function number(min: number, max: number, unit = "") {
  const message = `must be a number ${unit && `of ${unit} `}from ${min} to ${max}`;
  return z.preprocess(numeral, z.number(message).min(min, message).max(max, message));
}

/** A whole number from `min` to `max`; `unit` is for the message, e.g. "bytes". */
export function whole(min: number, max: number, unit = "") {
  const message = `must be a whole number ${unit && `of ${unit} `}from ${min} to ${max}`;
  return z.preprocess(numeral, z.int(message).min(min, message).max(max, message));
}

function numeral(value: unknown): unknown {
  return typeof value === "string" && value.trim() !== "" ? Number(value) : value;
}

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  "1": true,
  yes: true,
  on: true,
  false: false,
  "0": false,
  no: false,
  off: false,
};

/** true/false, 1/0, yes/no, on/off in any case. */
export const flag = z.preprocess(
  (value) => typeof value === "string" ? WORDS[value.toLowerCase()] : value,
  z.boolean("must be true or false (also 1/0, yes/no, on/off)"),
);

/** One of the words, in any case; `synonyms` are other spellings of them. */
export function choice<const T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
) {
  const read = (value: unknown) => {
    if (typeof value !== "string") return value;
    const word = value.toLowerCase();
    return Object.hasOwn(synonyms, word) ? synonyms[word] : word;
  };
  return z.preprocess(read, z.enum(words, `must be one of ${words.join(", ")}`));
}

/** Text without NUL bytes, 1 to 4096 characters long, e.g. a path, a program or a key. */
export const text = z.string("must be text").min(1, "must not be empty").max(4096, "is too long")
  .refine((value) => !value.includes("\0"), "must not contain a NUL byte");

/** A list of folders: an array, or one text with `:` between them as in PATH. */
export const folders = z.preprocess(
  (value) => typeof value === "string" ? value.split(":").filter((part) => part !== "") : value,
  z.array(text, "must be a list of folders").min(1, "must name at least one folder").max(100, "is too long"),
);

/**
 * How many at once, by task type or by the beginning of one followed by `*`: an object, or one text like
 * `remotion_render=1,safari_*=1`.
 */
export const concurrency = z.preprocess(
  (value) => typeof value === "string" ? entries(value) : value,
  z.record(
    z.string().regex(/^([^*]{1,200}|[^*]{0,199}\*)$/),
    z.int("must be a whole number").min(1, "must be 1 to 5000").max(5000, "must be 1 to 5000"),
    {
      error: ({ code }) =>
        code === "invalid_key"
          ? "must be a task type, or its beginning followed by *"
          : "must be like remotion_render=1,safari_*=1",
    },
  ),
);

/** `a=1,b=2` as an object, or the text itself where it is something else. */
function entries(text: string): unknown {
  const pairs = text.split(",").map((pair) => /^\s*([^=\s]+)\s*=\s*(\d{1,9})\s*$/.exec(pair));
  if (pairs.includes(null)) return text;
  return Object.fromEntries(pairs.map((pair) => [pair![1], Number(pair![2])]));
}

/** A name that is safe in logs, file names and URLs. */
export const workerId = z.string("must be text").regex(
  /^[A-Za-z0-9._-]{1,128}$/,
  "must be 1 to 128 letters, digits, dots, dashes or underscores",
);

/** postgres://user:password@host:port/database */
export const postgresUrl = text.refine(
  (value) => ["postgres:", "postgresql:"].includes(URL.parse(value)?.protocol ?? ""),
  "must be a URL like postgres://user:password@host:5432/database (special characters percent-encoded)",
);

/** https://…, or http:// on this machine; without a user, a query or a fragment. */
export const serviceUrl = text.refine((value) => {
  const url = URL.parse(value);
  if (!url || url.username || url.password || url.search || url.hash) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}, "must be an https:// address (http:// only on this machine) without a user, query or fragment")
  .transform((value) => value.replace(/\/+$/, ""));

/** Whether a host name or address, as in a URL, is this machine and nothing else. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** http:// or https:// on any host, also in the local network; for services that a person chose themselves. */
export const looseUrl = text.refine((value) => {
  const url = URL.parse(value);
  return url !== null && ["http:", "https:"].includes(url.protocol) && !url.username && !url.password &&
    !url.search && !url.hash;
}, "must be an http:// or https:// address without a user, query or fragment")
  .transform((value) => value.replace(/\/+$/, ""));

/** A list of words: an array, or one text with `,` between them. */
export const words = z.preprocess(
  (value) =>
    typeof value === "string"
      ? value.split(",").map((word) => word.trim()).filter((word) => word !== "")
      : value,
  z.array(text, "must be a list of words").max(100, "is too long"),
);
