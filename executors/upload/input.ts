/** What a `safari_upload` task may ask for, and the text that is posted. Pure. */
import { z } from "zod";

/** Where videos are posted. */
export const PLATFORMS = ["tiktok", "instagram", "youtube"] as const;
export type Platform = typeof PLATFORMS[number];

const line = (max: number) =>
  z.string().trim().min(1).max(max).refine(
    // deno-lint-ignore no-control-regex -- control characters are what must not be in it
    (text) => !/[\x00-\x1f\x7f]/.test(text),
    "must be one line without control characters",
  );

/** Validates the task's input. */
export const uploadInput = z.strictObject({
  platform: z.enum(PLATFORMS),
  video_url: z.string().min(1).max(4_096).regex(/^https?:\/\//i, "must be an http(s) URL").optional(),
  file: z.string().min(1).max(4_096).optional().describe(
    "a path inside the input folders, in place of video_url",
  ),
  caption: z.string().max(10_000).refine(
    // deno-lint-ignore no-control-regex -- tabs and line ends are fine, other control characters are not
    (text) => !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text),
    "must not hold control characters",
  ),
  title: line(500).optional(),
  account: line(200).optional().describe("which account to post from, as the upload program names it"),
  hashtags: z.array(
    z.string().regex(/^#?[\p{L}\p{M}\p{N}_]{1,100}$/u, "must be a word of letters and digits"),
  )
    .max(60).default([]),
  approval: z.enum(["required", "trusted"]).optional().describe(
    "`required` asks a person even when the task came from a trusted queue; `trusted` changes nothing",
  ),
}).refine(({ video_url, file }) => (video_url === undefined) !== (file === undefined), {
  path: ["video_url"],
  message: "give either video_url or file",
});

/** A validated input. */
export type UploadInput = z.infer<typeof uploadInput>;

/** The caption with those hashtags added that it does not hold yet. */
export function fullCaption({ caption, hashtags }: Pick<UploadInput, "caption" | "hashtags">): string {
  const present = new Set(hashtagsIn(caption));
  const added: string[] = [];
  for (const tag of hashtags) {
    const name = `#${tag.replace(/^#/, "")}`;
    if (present.has(name.toLowerCase())) continue;
    present.add(name.toLowerCase());
    added.push(name);
  }
  return [caption.trim(), added.join(" ")].filter((part) => part !== "").join(
    /\n/.test(caption) ? "\n\n" : " ",
  );
}

/** The hashtags of a text, in lower case, each once. */
export function hashtagsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/#[\p{L}\p{M}\p{N}_]+/gu)].map(([tag]) => tag.toLowerCase()))];
}

/** The address of the video without query and fragment, which may hold a signature. */
export function shownSource({ video_url, file }: Pick<UploadInput, "video_url" | "file">): string {
  const url = video_url === undefined ? null : URL.parse(video_url);
  return url ? `${url.protocol}//${url.host}${url.pathname}` : file ?? "";
}
