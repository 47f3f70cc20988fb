/** What a `blotato_upload` task may ask for. Pure. */
import { z } from "zod";
import { PLATFORMS } from "./target.ts";

const url = z.string().min(1).max(4_096).regex(/^https?:\/\//i, "must be an http(s) URL");

/** Validates the task's input. */
export const blotatoInput = z.strictObject({
  platform: z.enum(PLATFORMS),
  account_id: z.union([z.string(), z.int().min(0).transform(String)]).pipe(
    z.string().regex(/^[\w.:@-]{1,200}$/, "must be an account's id as Blotato gives it"),
  ),
  caption: z.string().max(25_000),
  media_urls: z.array(url).min(1).max(35).optional(),
  video_url: url.optional(),
  file: z.string().min(1).max(4_096).optional().describe("a path inside the input folders"),
  title: z.string().trim().min(1).max(500).optional(),
  scheduled_time: z.iso.datetime({ offset: true }).optional().describe(
    "ISO 8601 with time zone, in the future",
  ),
  target: z.record(z.string().max(100), z.unknown()).default({}).describe(
    "the platform's own fields, as in Blotato's documentation: privacyLevel, pageId, boardId and so on",
  ).refine((target) => JSON.stringify(target).length <= 10_000, "is too large"),
  approval: z.enum(["required", "trusted"]).optional().describe(
    "`required` asks a person even when the task came from a trusted queue; `trusted` changes nothing",
  ),
}).refine(({ media_urls, video_url, file }) => [media_urls, video_url, file].filter(Boolean).length <= 1, {
  path: ["media_urls"],
  message: "give only one of media_urls, video_url and file",
});

/** A validated input. */
export type BlotatoInput = z.infer<typeof blotatoInput>;

/** One picture or film of the post. */
export type MediaSource = { readonly url: string } | { readonly file: string };

/** The pictures and films of the post, in order. */
export function mediaSources({ media_urls, video_url, file }: BlotatoInput): MediaSource[] {
  if (file !== undefined) return [{ file }];
  return [...media_urls ?? [], ...video_url === undefined ? [] : [video_url]].map((url) => ({ url }));
}

/** Where a post goes, for messages: `tiktok (account 98432)`. */
export function destination({ platform, account_id }: Pick<BlotatoInput, "platform" | "account_id">): string {
  return `${platform} (account ${account_id})`;
}
