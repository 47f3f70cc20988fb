/** What a `remotion_render` task may ask for. */
import { z } from "zod";
import { type Codec, type CodecName, CODECS } from "./codec.ts";

const MAX_PROPS_CHARACTERS = 1_000_000;
const MAX_PROPS_DEPTH = 64;

// Remotion's own rule (letters, digits, dashes, Chinese characters); without a dash in front, which makes an option.
const compositionId = z.string().max(200).regex(
  /^[A-Za-z0-9\u4E00-\u9FFF][A-Za-z0-9\u4E00-\u9FFF-]*$/,
  "must be the id of a composition: letters, digits and dashes, the first no dash",
);

const props = z.record(z.string(), z.unknown())
  .refine((value) => isShallow(value, MAX_PROPS_DEPTH), `must not be nested deeper than ${MAX_PROPS_DEPTH}`)
  .refine(
    (value) => !isShallow(value, MAX_PROPS_DEPTH) || JSON.stringify(value).length <= MAX_PROPS_CHARACTERS,
    `must not be longer than ${MAX_PROPS_CHARACTERS} characters of JSON`,
  );

const frame = z.int().min(0).max(10_000_000);

/** Validates the task's input. */
export const remotionInput = z.strictObject({
  composition: compositionId.default("MainVideo"),
  props: props.default({}).describe("given to the composition"),
  platform: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, "must be a platform's name, e.g. tiktok").optional()
    .describe("decides the quality where crf does not: tiktok, instagram, youtube or another"),
  codec: z.enum(Object.keys(CODECS) as CodecName[]).default("h264"),
  crf: z.int().min(0).max(63).optional().describe("quality: lower is better"),
  entry: z.string().min(1).max(500).regex(/^[^-/\\\0][^\0\\]*$/, "must be a relative path, the first no dash")
    .optional().describe("the entry file inside the project, in place of REMOTION_ENTRY"),
  concurrency: z.int().min(1).max(256).optional().describe(
    "frames at once; REMOTION_CONCURRENCY is the limit",
  ),
  scale: z.number().min(0.1).max(8).optional().describe("of width and height"),
  frames: z.tuple([frame, frame]).refine(
    ([first, last]) => first <= last,
    "must be the first and the last frame",
  )
    .optional().describe("the first and the last frame to render, counted from 0"),
  muted: z.boolean().default(false),
  thumbnail: z.boolean().default(true).describe("whether to make a picture of the video as well"),
}).superRefine(({ codec, crf }, context) => {
  const range = (CODECS[codec] as Codec).crf;
  if (crf === undefined || (range && crf >= range[0] && crf <= range[1])) return;
  const message = range ? `must be ${range[0]} to ${range[1]} for ${codec}` : `${codec} takes none`;
  context.addIssue({ code: "custom", path: ["crf"], message });
});

/** A validated input with its defaults filled in. */
export type RemotionInput = z.infer<typeof remotionInput>;

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}
