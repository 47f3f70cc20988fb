/** Posts as research finds them, in the many shapes that its sources give them. Pure. */
import { z } from "zod";
import { clip } from "../fields.ts";

/** One post of somebody else; what its source does not tell is missing. */
export interface FoundPost {
  readonly url: string;
  readonly niche: string;
  readonly platform: string;
  readonly author?: string;
  readonly caption?: string;
  readonly views?: number;
  readonly likes?: number;
  readonly comments?: number;
  readonly shares?: number;
  readonly posted_at?: string;
}

const MAX_COUNT = Number.MAX_SAFE_INTEGER;
const address = z.string().max(2_048).regex(/^https?:\/\//i);
const record = z.record(z.string(), z.unknown());

/**
 * The posts in a list from the market research service or a `safari_research` task. Entries without an address cannot be
 * told apart and are left out.
 */
export function readPosts(list: unknown, niche: string, platform?: string): FoundPost[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, 500).flatMap((entry) => {
    const post = record.safeParse(entry);
    return post.success ? readPost(post.data, niche, platform) ?? [] : [];
  });
}

function readPost(
  post: Record<string, unknown>,
  niche: string,
  platform: string | undefined,
): FoundPost | undefined {
  const url = first(post, ["url", "postUrl", "tweetUrl", "videoUrl", "permalink"], (value) => {
    const read = address.safeParse(value);
    return read.success ? read.data : undefined;
  });
  const where = platform ?? first(post, ["platform"], words);
  if (!url || !where) return undefined;
  const counts = record.safeParse(post.counts);
  const figures = { ...post, ...counts.success ? counts.data : {} };
  const author = record.safeParse(post.author);
  return withoutUndefined({
    url,
    niche,
    platform: where,
    author: first({ ...post, ...author.success ? author.data : {} }, [
      "handle",
      "username",
      "author",
      "authorHandle",
      "creator",
    ], words)?.replace(/^@/, "").slice(0, 100),
    caption: clipped(first(post, ["caption", "text", "content", "description", "title"], words)),
    views: first(figures, ["views", "viewCount", "playCount", "plays"], count),
    likes: first(figures, ["likes", "likeCount", "diggCount", "reactions"], count),
    comments: first(figures, ["comments", "commentCount", "replies"], count),
    shares: first(figures, ["shares", "shareCount", "retweets", "reposts"], count),
    posted_at: first(post, ["posted_at", "postedAt", "timestamp", "createdAt", "date"], time),
  });
}

function first<T>(
  from: Record<string, unknown>,
  names: readonly string[],
  read: (value: unknown) => T | undefined,
): T | undefined {
  for (const name of names) {
    const value = read(from[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function words(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.toWellFormed().trim() : undefined;
}

function clipped(value: string | undefined): string | undefined {
  return value === undefined ? undefined : clip(value, 2_500);
}

/** A count as a number or as pages show it: `1,234`, `12.5K`, `3M`. */
function count(value: unknown): number | undefined {
  if (typeof value === "number") return whole(value);
  const match = typeof value === "string" && /^\s*([\d.,]+)\s*([KMB])?\s*$/i.exec(value);
  if (!match) return undefined;
  const factor = { K: 1e3, M: 1e6, B: 1e9 }[match[2]?.toUpperCase() ?? ""] ?? 1;
  return whole(Number(match[1]!.replaceAll(",", "")) * factor);
}

function whole(value: number): number | undefined {
  return Number.isFinite(value) && value >= 0 && value <= MAX_COUNT ? Math.round(value) : undefined;
}

function time(value: unknown): string | undefined {
  const ms = typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function withoutUndefined(post: { [K in keyof FoundPost]: FoundPost[K] | undefined }): FoundPost {
  return Object.fromEntries(Object.entries(post).filter(([, value]) => value !== undefined)) as
    & object
    & FoundPost;
}
