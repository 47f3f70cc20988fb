/**
 * The `target` of a Blotato post: `targetType` and the fields that each platform requires. Pure.
 * Source: help.blotato.com, "Choose a platform" and its pages for each, read on 2026-11-21.
 */
import { z } from "zod";
import { TaskError } from "../../lib/task/task.ts";

/** Blotato's names of the platforms. */
export const PLATFORMS = [
  "twitter",
  "instagram",
  "linkedin",
  "facebook",
  "tiktok",
  "pinterest",
  "threads",
  "bluesky",
  "youtube",
] as const;
/** One of them. */
export type BlotatoPlatform = typeof PLATFORMS[number];

const id = z.union([z.string().min(1).max(200), z.int().transform(String)]);
const off = z.boolean().default(false);

/**
 * Who may see the post, and whether a machine made it, is for the enqueuer to say: there is no safe default. Switches
 * that a person leaves off by not touching them are off. Fields that are not named here are passed on as they are.
 */
const TARGETS: Readonly<Record<BlotatoPlatform, z.ZodType<Record<string, unknown>>>> = {
  twitter: z.looseObject({}),
  bluesky: z.looseObject({}),
  threads: z.looseObject({
    replyControl: z.enum(["everyone", "accounts_you_follow", "mentioned_only"]).optional(),
  }),
  linkedin: z.looseObject({ pageId: id.optional() }),
  facebook: z.looseObject({ pageId: id, mediaType: z.enum(["video", "reel", "story"]).optional() }),
  instagram: z.looseObject({ mediaType: z.enum(["reel", "story"]).optional() }),
  pinterest: z.looseObject({ boardId: id }),
  tiktok: z.looseObject({
    privacyLevel: z.enum(["SELF_ONLY", "PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR"]),
    isAiGenerated: z.boolean(),
    isBrandedContent: off,
    isYourBrand: off,
    disabledComments: off,
    disabledDuet: off,
    disabledStitch: off,
  }),
  youtube: z.looseObject({
    title: z.string().min(1).max(100).regex(/^[^<>]*$/, "must not hold < or >"),
    privacyStatus: z.enum(["private", "public", "unlisted"]),
    shouldNotifySubscribers: off,
  }),
};

const NEEDS_MEDIA: readonly BlotatoPlatform[] = ["instagram", "tiktok", "pinterest", "youtube"];
/** Platforms whose target has a title; elsewhere an input's title has no place. */
const HAS_TITLE: readonly BlotatoPlatform[] = ["youtube", "pinterest", "tiktok"];

/** What decides on the target. */
export interface TargetInput {
  readonly platform: BlotatoPlatform;
  readonly target: Readonly<Record<string, unknown>>;
  readonly title?: string;
  readonly mediaCount: number;
}

/**
 * The complete target, with the defaults filled in.
 * @throws TaskError without retry that names every field that is missing or wrong
 */
export function buildTarget({ platform, target, title, mediaCount }: TargetInput): Record<string, unknown> {
  const problems: string[] = [];
  if (mediaCount === 0 && NEEDS_MEDIA.includes(platform)) {
    problems.push("a picture or film is required (video_url, media_urls or file)");
  }
  if (target.targetType !== undefined && target.targetType !== platform) {
    problems.push(`target.targetType must be ${platform}`);
  }
  const titled = title !== undefined && HAS_TITLE.includes(platform) ? { title, ...target } : target;
  const checked = TARGETS[platform].safeParse(titled);
  for (const { path, message } of checked.error?.issues ?? []) {
    problems.push(`target.${path.join(".")}: ${message}`);
  }
  if (problems.length > 0 || !checked.success) {
    throw new TaskError(`the input does not do for ${platform}: ${problems.join("; ")}`, { retry: false });
  }
  return { ...checked.data, targetType: platform };
}

const HOSTS: Readonly<Record<BlotatoPlatform, RegExp>> = {
  twitter: /(^|\.)(x|twitter)\.com$/,
  bluesky: /(^|\.)bsky\.app$/,
  threads: /(^|\.)threads\.(net|com)$/,
  linkedin: /(^|\.)(linkedin\.com|lnkd\.in)$/,
  facebook: /(^|\.)(facebook\.com|fb\.watch|fb\.com)$/,
  instagram: /(^|\.)(instagram\.com|instagr\.am)$/,
  pinterest: /(^|\.)(pinterest\.(com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})|pin\.it)$/,
  tiktok: /(^|\.)tiktok\.com$/,
  youtube: /(^|\.)(youtube\.com|youtu\.be)$/,
};

/** The address, if it is a page on the platform's own host. */
export function platformUrl(platform: BlotatoPlatform, value: unknown): string | undefined {
  const url = typeof value === "string" && value.length <= 2_000 ? URL.parse(value) : null;
  if (!url || url.protocol !== "https:" || url.username || url.password) return undefined;
  return HOSTS[platform].test(url.hostname) && url.pathname.length > 1 ? url.href : undefined;
}
