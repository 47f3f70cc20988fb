/** What an `ffmpeg_process` task may ask for. */
import { z } from "zod";

const source = z.string().min(1).max(4_096).describe("a path inside the input folders, or an http(s) URL");

// deno-lint-ignore no-control-regex -- control characters are what must not be in a file name
const plainName = /^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$/;
const output = z.string().max(120).regex(
  plainName,
  "must be a plain file name, without folders or a leading dot",
)
  .optional().describe("name of the result in the task's own folder; its extension is added if it lacks");

const seconds = z.number().min(0).max(360_000);
const pixels = z.number().int().min(2).max(8_192);
const crf = z.number().int().min(0).max(63).optional();
const audioKbps = z.number().int().min(16).max(512);
const preset = z.enum([
  "ultrafast",
  "superfast",
  "veryfast",
  "faster",
  "fast",
  "medium",
  "slow",
  "slower",
  "veryslow",
]);

const probe = z.strictObject({ operation: z.literal("probe"), input: source });

const transcode = z.strictObject({
  operation: z.literal("transcode"),
  input: source,
  output,
  format: z.enum(["mp4", "mov", "mkv", "webm", "gif"]).default("mp4"),
  videoCodec: z.enum(["h264", "hevc", "vp9", "copy"]).optional().describe("default: vp9 for webm, else h264"),
  audioCodec: z.enum(["aac", "opus", "mp3", "copy", "none"]).optional().describe(
    "default: opus for webm, else aac",
  ),
  crf: crf.describe("quality: lower is better; h264 and hevc up to 51, vp9 up to 63"),
  preset: preset.optional(),
  fps: z.number().min(1).max(240).optional(),
  maxVideoKbps: z.number().int().min(50).max(200_000).optional(),
  audioKbps: audioKbps.optional(),
}).superRefine((input, context) => {
  for (const [path, message] of codecProblems(input)) {
    context.addIssue({ code: "custom", path: [path], message });
  }
});

const trim = z.strictObject({
  operation: z.literal("trim"),
  input: source,
  output,
  start: seconds.default(0),
  end: seconds.optional(),
  duration: seconds.optional(),
  accurate: z.boolean().default(true).describe(
    "false copies the streams: fast, but starts at the key frame before",
  ),
}).superRefine(({ start, end, duration }, context) => {
  const problem = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if ((end === undefined) === (duration === undefined)) {
    problem("end", "give either end or duration, in seconds");
  } else if (end !== undefined && end <= start) problem("end", "must be after start");
  else if (duration === 0) problem("duration", "must be more than 0");
});

const scale = z.strictObject({
  operation: z.literal("scale"),
  input: source,
  output,
  width: pixels.optional(),
  height: pixels.optional(),
  fit: z.enum(["contain", "cover", "stretch"]).default("contain")
    .describe("within width × height: whole picture, filled and cropped, or distorted"),
  pad: z.boolean().default(false).describe("with contain: fill up to width × height with black"),
  crf,
}).refine(({ width, height }) => width !== undefined || height !== undefined, {
  path: ["width"],
  message: "give width, height or both",
});

const concat = z.strictObject({
  operation: z.literal("concat"),
  inputs: z.array(source).min(2).max(50),
  output,
  crf,
});

const thumbnail = z.strictObject({
  operation: z.literal("thumbnail"),
  input: source,
  output,
  at: z.union([
    seconds,
    z.string().regex(/^(100|\d{1,2}(\.\d+)?)%$/, "must be seconds or a percentage such as 10%"),
  ])
    .default("10%"),
  width: pixels.optional(),
  format: z.enum(["jpg", "png", "webp"]).default("jpg"),
});

const extractAudio = z.strictObject({
  operation: z.literal("extract_audio"),
  input: source,
  output,
  format: z.enum(["mp3", "aac", "m4a", "wav", "flac", "opus"]).default("mp3"),
  audioKbps: audioKbps.optional(),
});

const loudness = z.strictObject({
  operation: z.literal("loudness"),
  input: source,
  output,
  target: z.number().min(-70).max(-5).default(-16).describe("integrated loudness in LUFS"),
  truePeak: z.number().min(-9).max(0).default(-1.5).describe("in dBTP"),
  range: z.number().min(1).max(50).default(11).describe("loudness range in LU"),
});

/** Validates the task's input; lengths are in seconds, sizes in pixels, rates in kbit/s. */
export const ffmpegInput = z.discriminatedUnion("operation", [
  probe,
  transcode,
  trim,
  scale,
  concat,
  thumbnail,
  extractAudio,
  loudness,
]);

/** A validated input with its defaults filled in. */
export type FfmpegInput = z.infer<typeof ffmpegInput>;
/** The input of one operation. */
export type InputOf<Operation extends FfmpegInput["operation"]> = Extract<
  FfmpegInput,
  { operation: Operation }
>;

interface CodecChoice {
  readonly format: "mp4" | "mov" | "mkv" | "webm" | "gif";
  readonly videoCodec?: string;
  readonly audioCodec?: string;
  readonly crf?: number;
}

/** Which of the chosen codecs the chosen format cannot hold, as pairs of field and message. */
function codecProblems({ format, videoCodec, audioCodec, crf }: CodecChoice): [string, string][] {
  const problems: [string, string][] = [];
  const refuse = (field: string, value: string | undefined, allowed: string[]) => {
    if (value !== undefined && !allowed.includes(value)) {
      problems.push([field, `${format} takes ${allowed.join(", ") || "no choice"}`]);
    }
  };
  if (format === "webm") {
    refuse("videoCodec", videoCodec, ["vp9", "copy"]);
    refuse("audioCodec", audioCodec, ["opus", "copy", "none"]);
  }
  if (format === "gif") {
    refuse("videoCodec", videoCodec, []);
    refuse("audioCodec", audioCodec, ["none"]);
  }
  if (format === "mov") {
    refuse("videoCodec", videoCodec, ["h264", "hevc", "copy"]);
    refuse("audioCodec", audioCodec, ["aac", "mp3", "copy", "none"]);
  }
  if (crf !== undefined && crf > 51 && format !== "webm" && videoCodec !== "vp9") {
    problems.push(["crf", "must be 51 or less for h264 and hevc"]);
  }
  return problems;
}
