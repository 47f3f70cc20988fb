/** Whether what an upload program or service answered shows that the video was posted. Pure. */
import type { Platform } from "./input.ts";

/** What the answer shows. `unproven`: it claims or implies success but names neither the post's address nor its id. */
export type Verdict =
  | { readonly kind: "posted"; readonly url?: string; readonly id?: string }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "unproven"; readonly reason: string };

interface PostShape {
  readonly hosts: readonly string[];
  /** Paths of single posts; home pages, profiles and the page for uploads are no proof. */
  readonly path: RegExp;
  readonly id: RegExp;
}

const SHAPES: Readonly<Record<Platform, PostShape>> = {
  tiktok: {
    hosts: ["tiktok.com"],
    path: /^\/(@[^/]+\/(video|photo)\/\d+|v\/\d+(\.html)?|video\/\d+|t\/\w+|embed\/(v2\/)?\d+)\/?$/,
    id: /^\d{8,25}$/,
  },
  instagram: {
    hosts: ["instagram.com", "instagr.am"],
    path: /^\/([^/]+\/)?(p|reel|reels|tv)\/[\w-]{5,64}\/?$/,
    // A media number, or a short code; plain words such as `pending` are neither.
    id: /^(\d{8,25}(_\d{3,25})?|(?=[\w-]*[A-Z0-9])[A-Za-z0-9_-]{8,40})$/,
  },
  youtube: {
    hosts: ["youtube.com", "youtu.be"],
    path: /^\/(shorts|live|embed|video)\/[\w-]{11}(\/edit)?\/?$/,
    id: /^[\w-]{11}$/,
  },
};

const URL_FIELDS = [
  "post_url",
  "url",
  "permalink",
  "share_url",
  "public_url",
  "platform_url",
  "link",
  "video_url",
];
const ID_FIELDS = ["post_id", "platform_post_id", "video_id", "media_id", "shortcode", "id"];
const WRAPPERS = ["result", "data", "item", "post"];
const LISTS = ["items", "results"];
const PRETENCES = ["stub", "dry_run", "dryRun", "simulated", "mock"];
const BAD_STATUS = /^(fail|failed|failure|error|errored|cancell?ed|rejected|timed?_?out|aborted)$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/i;
const MAX_DEPTH = 3;

/** Judges an answer by what it holds, never by a status or exit code alone. An error in it outweighs an address. */
export function judge(platform: Platform, answer: unknown): Verdict {
  const records = recordsIn(answer);
  if (records.length === 0) return { kind: "unproven", reason: "its result is empty" };
  const failure = records.map(failureIn).find((reason) => reason !== undefined);
  if (failure !== undefined) return { kind: "failed", reason: failure };
  const url = firstOf(records, URL_FIELDS, (value) => postUrl(platform, value));
  const id = firstOf(records, ID_FIELDS, (value) => postId(platform, value));
  if (url === undefined && id === undefined) {
    return { kind: "unproven", reason: "its result names neither the address nor the id of a post" };
  }
  return { kind: "posted", ...url === undefined ? {} : { url }, ...id === undefined ? {} : { id } };
}

/** The address, if it is that of one post on the platform's own host. */
export function postUrl(platform: Platform, value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 2_000) return undefined;
  const url = URL.parse(value);
  if (!url || url.protocol !== "https:" || url.username || url.password || url.port) return undefined;
  const { hosts, path } = SHAPES[platform];
  if (!hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`))) return undefined;
  return path.test(url.pathname) || isShortForm(platform, url) ? url.href : undefined;
}

/** `youtu.be/ID`, `youtube.com/watch?v=ID`, `vm.tiktok.com/CODE`. */
function isShortForm(platform: Platform, url: URL): boolean {
  const name = url.pathname.replace(/^\/|\/$/g, "");
  if (platform === "tiktok") return /^v[mt]\.tiktok\.com$/.test(url.hostname) && /^\w{6,20}$/.test(name);
  if (platform !== "youtube") return false;
  if (url.hostname === "youtu.be") return SHAPES.youtube.id.test(name);
  return name === "watch" && SHAPES.youtube.id.test(url.searchParams.get("v") ?? "");
}

function postId(platform: Platform, value: unknown): string | undefined {
  const id = typeof value === "number" ? String(value) : value;
  return typeof id === "string" && SHAPES[platform].id.test(id) && !UUID.test(id) ? id : undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** The answer and the objects that wrap the news in it, outermost first. */
function recordsIn(value: unknown, depth = 0): Json[] {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > MAX_DEPTH) return [];
  const record = value as Json;
  const inner = WRAPPERS.flatMap((name) => recordsIn(record[name], depth + 1));
  const listed = LISTS.flatMap((name) =>
    Array.isArray(record[name]) ? (record[name] as unknown[]).slice(0, 10) : []
  );
  return [record, ...inner, ...listed.flatMap((item) => recordsIn(item, depth + 1))];
}

function failureIn(record: Json): string | undefined {
  const errors = Array.isArray(record.errors) ? record.errors[0] : record.errors;
  const told = [record.error, errors, record.error_message, record.errorMessage].map(wordsOf).find(Boolean);
  if (told) return told;
  const said = wordsOf(record.message) ?? wordsOf(record.reason);
  if (record.success === false || record.ok === false) return said ?? "it says that it did not succeed";
  if (typeof record.status === "string" && BAD_STATUS.test(record.status)) {
    return said ?? `its status is ${record.status}`;
  }
  const pretence = PRETENCES.find((name) => record[name] === true);
  return pretence === undefined ? undefined : `it only pretended to post (${pretence})`;
}

/** What an `error` says; undefined for none: null, false, "", {} and []. */
function wordsOf(value: unknown): string | undefined {
  if (value === true) return "an error";
  if (typeof value === "string") return value.trim().slice(0, 300) || undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const { message } = value as Json;
  if (typeof message === "string" && message.trim() !== "") return message.trim().slice(0, 300);
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value).slice(0, 300);
}

function firstOf(
  records: readonly Json[],
  fields: readonly string[],
  read: (value: unknown) => string | undefined,
): string | undefined {
  for (const record of records) {
    for (const field of fields) {
      const found = read(record[field]);
      if (found !== undefined) return found;
    }
  }
}
