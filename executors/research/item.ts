/** What is found: the same fields on every platform. Pages are not trusted, so everything read is checked here. */
import { z } from "zod";
import { parseCount, parseDuration } from "./counts.ts";
import type { Platform } from "./input.ts";
import { parsePosted, type PostedAt, postedById } from "./posted.ts";

/** One post. What a page does not tell is null. */
export interface ResearchItem {
  readonly platform: Platform;
  /** The platform's own id (Instagram: the short code). */
  readonly id: string;
  readonly url: string;
  /** The handle without @; where the page has none, the channel's name. */
  readonly author: string | null;
  readonly author_name: string | null;
  /** Caption, or title where posts have titles. */
  readonly caption: string | null;
  /** The caption's hashtags, without #, in lower case. */
  readonly hashtags: readonly string[];
  readonly counts: Readonly<Record<"views" | "likes" | "comments" | "shares", number | null>>;
  /** ISO 8601 in UTC. */
  readonly posted_at: string | null;
  /** `posted_at` is exact to this unit. */
  readonly posted_at_precision: PostedAt["precision"] | null;
  readonly media: {
    readonly type: "video" | "short" | "image" | "carousel" | null;
    readonly thumbnail_url: string | null;
    readonly duration_seconds: number | null;
  };
}

const figure = z.union([z.number(), z.string()]).nullish().catch(null);
const words = (max: number) =>
  z.string().nullish().catch(null).transform((text) =>
    text?.toWellFormed().trim().slice(0, max).toWellFormed() || null
  );

/** A post as a page reader found it: nothing is required but the id. */
const rawItem = z.object({
  id: z.string().max(40),
  kind: z.enum(["video", "short", "image", "carousel"]).nullish().catch(null),
  author: words(100),
  author_name: words(200),
  caption: words(2_500),
  views: figure,
  likes: figure,
  comments: figure,
  shares: figure,
  posted: figure,
  thumbnail: z.string().max(2_048).regex(/^https?:\/\//).nullish().catch(null),
  duration: figure,
});

/** What page readers answer, one for each post. */
export type RawItem = z.input<typeof rawItem>;

const IDS: Record<Platform, RegExp> = {
  tiktok: /^\d{15,20}$/,
  instagram: /^[\w-]{5,40}$/,
  youtube: /^[\w-]{11}$/,
};
/** What handles are made of on all platforms; anything else cannot be part of an address. */
const HANDLE = /^[\p{L}\p{N}._-]+$/u;

/** Checks and completes what a page reader found; undefined for what is no post of this platform. */
export function researchItem(platform: Platform, found: unknown, nowMs: number): ResearchItem | undefined {
  const raw = rawItem.safeParse(found).data;
  if (raw === undefined || !IDS[platform].test(raw.id)) return undefined;
  const author = raw.author?.replace(/^@/, "") || null;
  const posted = parsePosted(raw.posted, nowMs) ?? postedById(platform, raw.id, nowMs);
  return {
    platform,
    id: raw.id,
    url: addressOf(platform, raw.id, raw.kind ?? null, author),
    author: author ?? raw.author_name,
    author_name: raw.author_name,
    caption: raw.caption,
    hashtags: hashtagsIn(raw.caption ?? ""),
    counts: {
      views: parseCount(raw.views),
      likes: parseCount(raw.likes),
      comments: parseCount(raw.comments),
      shares: parseCount(raw.shares),
    },
    posted_at: posted?.at ?? null,
    posted_at_precision: posted?.precision ?? null,
    media: {
      type: raw.kind ?? null,
      thumbnail_url: raw.thumbnail ?? null,
      duration_seconds: parseDuration(raw.duration),
    },
  };
}

/** The public address, built from checked parts: links of pages are not passed on. */
export function addressOf(
  platform: Platform,
  id: string,
  kind: ResearchItem["media"]["type"],
  author: string | null,
): string {
  switch (platform) {
    case "tiktok": {
      // TikTok leads to the post by its id alone; the handle is for people.
      const handle = author !== null && HANDLE.test(author) ? encodeURIComponent(author) : "";
      return `https://www.tiktok.com/@${handle}/${
        kind === "image" || kind === "carousel" ? "photo" : "video"
      }/${id}`;
    }
    case "instagram":
      return `https://www.instagram.com/p/${id}/`;
    case "youtube":
      return kind === "short"
        ? `https://www.youtube.com/shorts/${id}`
        : `https://www.youtube.com/watch?v=${id}`;
  }
}

function hashtagsIn(caption: string): string[] {
  const found = [...caption.matchAll(/(?<![\p{L}\p{N}_&/])#([\p{L}\p{M}\p{N}_]{1,100})/gu)];
  return [...new Set(found.map(([, tag]) => tag!.toLowerCase()))].slice(0, 60);
}
