/** From what a task asks and what its files hold to ffmpeg's arguments and to what must come out. Pure. */
import { TaskError } from "../../lib/task/task.ts";
import type { FfmpegInput, InputOf } from "./input.ts";
import { around, type Expectation } from "./expectation.ts";
import { CONTAINERS, type ProbedInput } from "./probe.ts";

/** One run of ffmpeg. Files are named relative to the task's temp folder: inputs are `input0`, `input1`, … */
export interface Plan {
  /** All that stands between ffmpeg's general options and the name of the result. */
  readonly args: string[];
  /** Of the result's name, without the dot. */
  readonly extension: string;
  /** How long the result should be, for progress. */
  readonly seconds?: number;
  readonly expect: Expectation;
  /** A file to be written for ffmpeg before it starts. */
  readonly list?: { readonly name: string; readonly text: string };
}

/** The operations that make a file in one pass. */
export type OnePassInput = Exclude<FfmpegInput, InputOf<"probe"> | InputOf<"loudness">>;

/** @throws TaskError without retry when the files do not have what the operation needs */
export function planFor(input: OnePassInput, files: readonly ProbedInput[]): Plan {
  const [file] = files;
  switch (input.operation) {
    case "transcode":
      return planTranscode(input, file);
    case "trim":
      return planTrim(input, file);
    case "scale":
      return planScale(input, file);
    case "concat":
      return planConcat(input, files);
    case "thumbnail":
      return planThumbnail(input, file);
    case "extract_audio":
      return planExtractAudio(input, file);
  }
}

/** Arguments that open `inputN` and let it lead nowhere else. */
export function source(index = 0, before: readonly string[] = []): string[] {
  return [
    ...before,
    "-protocol_whitelist",
    "file",
    "-format_whitelist",
    CONTAINERS,
    "-i",
    `file:input${index}`,
  ];
}

/** The container to keep: the file's own where it is a common one. */
export function containerOf({ media: { format, video, audio } }: ProbedInput): string {
  const audioOnly: Record<string, string> = { mp3: "mp3", flac: "flac", opus: "opus", pcm_s16le: "wav" };
  if (!video) return audioOnly[audio?.codec ?? ""] ?? "m4a";
  if (!format.includes("matroska")) return "mp4";
  const web = ["vp8", "vp9", "av1"].includes(video.codec) &&
    ["opus", "vorbis", undefined].includes(audio?.codec);
  return web ? "webm" : "mkv";
}

/** Encoder arguments for the first audio stream; `copy` where the container holds its codec. */
export function audioInto(extension: string, { media: { audio } }: ProbedInput): string[] {
  if (!audio) return [];
  const holds: Record<string, string[]> = {
    mp4: ["aac", "mp3"],
    webm: ["opus", "vorbis"],
    mkv: [audio.codec],
  };
  return [
    "-map",
    "0:a:0",
    ...holds[extension]?.includes(audio.codec) ? ["-c:a", "copy"] : encodeAudio(extension),
  ];
}

/** Encoder arguments for audio in a container. */
export function encodeAudio(extension: string, kbps?: number): string[] {
  const encoders: Record<string, string> = {
    mp3: "libmp3lame",
    flac: "flac",
    wav: "pcm_s16le",
    opus: "libopus",
  };
  const encoder = encoders[extension] ?? (extension === "webm" ? "libopus" : "aac");
  const lossless = extension === "flac" || extension === "wav";
  return ["-c:a", encoder, ...lossless ? [] : ["-b:a", `${kbps ?? (encoder === "libopus" ? 128 : 192)}k`]];
}

/** Lets players start before they have the whole file. */
export function muxing(extension: string): string[] {
  return extension === "mp4" || extension === "mov" || extension === "m4a" ? ["-movflags", "+faststart"] : [];
}

interface VideoChoice {
  readonly codec?: "h264" | "hevc" | "vp9";
  readonly crf?: number;
  readonly preset?: string;
  readonly maxVideoKbps?: number;
}

function encodeVideo(extension: string, choice: VideoChoice = {}): string[] {
  const { codec = extension === "webm" ? "vp9" : "h264", crf, preset = "medium", maxVideoKbps } = choice;
  if (codec === "vp9") {
    const rate = ["-b:v", maxVideoKbps === undefined ? "0" : `${maxVideoKbps}k`];
    return [
      "-c:v",
      "libvpx-vp9",
      "-crf",
      `${crf ?? 32}`,
      ...rate,
      ..."-row-mt 1 -cpu-used 4 -pix_fmt yuv420p".split(" "),
    ];
  }
  const rate = maxVideoKbps === undefined
    ? []
    : ["-maxrate", `${maxVideoKbps}k`, "-bufsize", `${2 * maxVideoKbps}k`];
  const encoder = codec === "hevc"
    ? ["-c:v", "libx265", "-x265-params", "log-level=error"]
    : ["-c:v", "libx264"];
  const tag = codec === "hevc" && extension !== "mkv" ? ["-tag:v", "hvc1"] : []; // Apple's players ask for it
  return [
    ...encoder,
    "-crf",
    `${crf ?? (codec === "hevc" ? 26 : 21)}`,
    "-preset",
    preset,
    "-pix_fmt",
    "yuv420p",
    ...rate,
    ...tag,
  ];
}

/** 4:2:0 video has even sides. */
const EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2";
const VIDEO = ["-map", "0:V:0"];

function planTranscode(input: InputOf<"transcode">, file: ProbedInput): Plan {
  requireMoving(file);
  const { format: extension, fps } = input;
  const { video, audio } = file.media;
  const keepsAudio = audio !== undefined && extension !== "gif" && input.audioCodec !== "none";
  if (!video && (extension === "gif" || !keepsAudio)) throw lacking("video");
  const result = (args: string[]): Plan => ({
    args: [...source(), ...args, ...muxing(extension)],
    extension,
    ...lasting(file, video !== undefined, keepsAudio),
  });
  if (extension === "gif") {
    const palette = `fps=${fps ?? 12},split[a][b];[a]palettegen[p];[b][p]paletteuse`;
    return result([...VIDEO, "-vf", palette, "-loop", "0"]);
  }
  const filters = [...fps === undefined ? [] : [`fps=${fps}`], EVEN].join(",");
  const codec = input.videoCodec;
  const pictures = codec === "copy"
    ? ["-c:v", "copy"]
    : ["-vf", filters, ...encodeVideo(extension, { ...input, codec })];
  const encoders = { aac: "aac", opus: "libopus", mp3: "libmp3lame", copy: "copy", none: "" };
  const chosen = input.audioCodec === undefined ? encodeAudio(extension, input.audioKbps) : [
    "-c:a",
    encoders[input.audioCodec],
    ...input.audioCodec === "copy" ? [] : ["-b:a", `${input.audioKbps ?? 160}k`],
  ];
  return result([...video ? [...VIDEO, ...pictures] : [], ...keepsAudio ? ["-map", "0:a:0", ...chosen] : []]);
}

function planTrim(input: InputOf<"trim">, file: ProbedInput): Plan {
  requireMoving(file);
  const whole = file.media.durationSeconds ?? Infinity;
  if (input.start >= whole) {
    throw new TaskError(
      `start (${input.start} s) is not before the end of the file (${whole.toFixed(2)} s)`,
      {
        retry: false,
      },
    );
  }
  const seconds = Math.min(input.duration ?? input.end! - input.start, whole - input.start);
  const extension = containerOf(file);
  const { video, audio } = file.media;
  const before = ["-ss", `${input.start}`, "-t", `${seconds}`];
  const args = input.accurate
    ? [
      ...video ? [...VIDEO, "-vf", EVEN, ...encodeVideo(extension)] : [],
      ...audio ? ["-map", "0:a:0", ...encodeAudio(extension)] : [],
    ]
    : [
      ...video ? VIDEO : [],
      ...audio ? ["-map", "0:a:0"] : [],
      "-c",
      "copy",
      "-avoid_negative_ts",
      "make_zero",
    ];
  // A copy starts at the key frame before, which may be many seconds earlier.
  const length = input.accurate ? around(seconds) : { minSeconds: around(seconds).minSeconds };
  return {
    args: [...source(0, before), ...args, ...muxing(extension)],
    extension,
    seconds,
    expect: {
      video: video !== undefined,
      audio: audio !== undefined,
      ...bothStreamsReach(file) ? length : {},
    },
  };
}

function planScale(input: InputOf<"scale">, file: ProbedInput): Plan {
  requireMoving(file);
  if (!file.media.video) throw lacking("video");
  const extension = containerOf(file);
  const even = (pixels: number | undefined) => pixels === undefined ? undefined : pixels - pixels % 2;
  const size = { width: even(input.width), height: even(input.height) };
  const filter = scaleFilter(size.width ?? -2, size.height ?? -2, input.fit, input.pad);
  const boxed = size.width !== undefined && size.height !== undefined;
  const exact = !boxed || input.fit !== "contain" || input.pad;
  const timing = lasting(file, true, file.media.audio !== undefined);
  return {
    args: [
      ...source(),
      ...[...VIDEO, "-vf", filter, ...encodeVideo(extension, { crf: input.crf })],
      ...audioInto(extension, file),
      ...muxing(extension),
    ],
    extension,
    ...timing,
    expect: { ...timing.expect, ...exact ? size : {} },
  };
}

function scaleFilter(
  width: number,
  height: number,
  fit: "contain" | "cover" | "stretch",
  pad: boolean,
): string {
  const size = `${width}:${height}`;
  if (width < 0 || height < 0 || fit === "stretch") return `scale=${size},setsar=1`;
  if (fit === "cover") return `scale=${size}:force_original_aspect_ratio=increase,crop=${size},setsar=1`;
  const inside = `scale=${size}:force_original_aspect_ratio=decrease:force_divisible_by=2`;
  return pad ? `${inside},pad=${size}:(ow-iw)/2:(oh-ih)/2,setsar=1` : `${inside},setsar=1`;
}

function planConcat(input: InputOf<"concat">, files: readonly ProbedInput[]): Plan {
  files.forEach(requireMoving);
  const [first] = files;
  const { video } = first.media;
  if (files.some(({ media }) => (media.video === undefined) !== (video === undefined))) {
    throw new TaskError("only some of the inputs have video: they cannot follow one another", {
      retry: false,
    });
  }
  const lengths = files.map(({ media }) => media.durationSeconds);
  const known = lengths.every((length) => length !== undefined);
  const seconds = known ? lengths.reduce((sum, length) => sum + length) : undefined;
  const audio = files.some(({ media }) => media.audio);
  const reliable = files.every(bothStreamsReach) && seconds !== undefined;
  const result = {
    ...seconds === undefined ? {} : { seconds },
    expect: { video: video !== undefined, audio, ...reliable ? around(seconds, 0.2 * files.length) : {} },
  };
  if (files.every(({ signature }) => signature === first.signature) && input.crf === undefined) {
    const extension = containerOf(first);
    const open = ["-protocol_whitelist", "file", "-format_whitelist", `concat,${CONTAINERS}`, "-f", "concat"];
    const text = ["ffconcat version 1.0", ...files.map((_, index) => `file input${index}`), ""].join("\n");
    const args = [...open, "-i", "file:list", "-map", "0", "-c", "copy", ...muxing(extension)];
    return { args, extension, list: { name: "list", text }, ...result };
  }
  const extension = video ? "mp4" : "m4a";
  return {
    args: [
      ...files.flatMap((_, index) => source(index)),
      ...["-filter_complex", joinFilter(files, audio)],
      ...video ? ["-map", "[v]", ...encodeVideo(extension, { crf: input.crf })] : [],
      ...audio ? ["-map", "[a]", ...encodeAudio(extension)] : [],
      ...muxing(extension),
    ],
    extension,
    ...result,
  };
}

/** Brings all inputs to the first one's size and rate, fills missing sound with silence, and joins them. */
function joinFilter(files: readonly ProbedInput[], audio: boolean): string {
  const { video } = files[0].media;
  const even = (pixels: number) => Math.max(2, pixels - pixels % 2);
  const chains = files.flatMap(({ media }, index) => [
    ...video
      ? [
        `[${index}:V:0]${scaleFilter(even(video.width), even(video.height), "contain", true)},fps=${
          video.fps ?? 25
        },format=yuv420p[v${index}]`,
      ]
      : [],
    ...audio ? [soundChain(media.audio !== undefined, media.durationSeconds ?? 0, index)] : [],
  ]);
  const labels = files.map((_, index) => `${video ? `[v${index}]` : ""}${audio ? `[a${index}]` : ""}`).join(
    "",
  );
  const ends = `${video ? "[v]" : ""}${audio ? "[a]" : ""}`;
  return [...chains, `${labels}concat=n=${files.length}:v=${video ? 1 : 0}:a=${audio ? 1 : 0}${ends}`].join(
    ";",
  );
}

function soundChain(present: boolean, seconds: number, index: number): string {
  const form = `aformat=sample_fmts=fltp:sample_rates=48000:channel_layouts=stereo[a${index}]`;
  return present ? `[${index}:a:0]${form}` : `anullsrc=r=48000:cl=stereo,atrim=duration=${seconds},${form}`;
}

function planThumbnail(input: InputOf<"thumbnail">, file: ProbedInput): Plan {
  const { video, durationSeconds } = file.media;
  if (!video) throw lacking("video");
  const at = thumbnailSeconds(input.at, file.videoSeconds ?? durationSeconds ?? 0, video.fps ?? 25);
  const filter = input.width === undefined ? [] : ["-vf", `scale=${input.width}:-1`];
  const quality = { jpg: ["-q:v", "3", "-update", "1"], png: ["-update", "1"], webp: ["-quality", "80"] };
  return {
    args: [
      ...source(0, ["-ss", at.toFixed(3)]),
      ...VIDEO,
      ...filter,
      "-frames:v",
      "1",
      ...quality[input.format],
    ],
    extension: input.format,
    expect: { video: true, audio: false, ...input.width === undefined ? {} : { width: input.width } },
  };
}

/** The moment of the picture, kept far enough from the end that a frame follows it. */
function thumbnailSeconds(at: number | string, whole: number, fps: number): number {
  if (typeof at === "number" && whole > 0 && at > whole) {
    throw new TaskError(`at (${at} s) is after the end of the file (${whole.toFixed(2)} s)`, {
      retry: false,
    });
  }
  const wanted = typeof at === "number" ? at : whole * parseFloat(at) / 100;
  return Math.max(0, Math.min(wanted, whole - Math.max(0.1, 2 / fps)));
}

function planExtractAudio(input: InputOf<"extract_audio">, file: ProbedInput): Plan {
  if (!file.media.audio) throw lacking("audio");
  const { format: extension } = input;
  return {
    args: [...source(), "-map", "0:a:0", ...encodeAudio(extension, input.audioKbps), ...muxing(extension)],
    extension,
    ...lasting(file, false, true),
  };
}

/** How long a result must be that keeps the whole length of these streams. */
function lasting(file: ProbedInput, video: boolean, audio: boolean): Pick<Plan, "seconds" | "expect"> {
  const { media, videoSeconds, audioSeconds } = file;
  const both = video === (media.video !== undefined) && audio === (media.audio !== undefined);
  const exact = both ? media.durationSeconds : video ? videoSeconds : audioSeconds;
  const seconds = exact ?? media.durationSeconds;
  return {
    ...seconds === undefined ? {} : { seconds },
    expect: { video, audio, ...exact !== undefined && isMeasured(file) ? around(exact) : {} },
  };
}

/** False where one stream ends well before the other, so that a part of the file may be shorter than asked. */
function bothStreamsReach(file: ProbedInput): boolean {
  const { media: { durationSeconds = 0 }, videoSeconds, audioSeconds } = file;
  const reaches = (seconds: number | undefined) => seconds === undefined || seconds > durationSeconds - 1;
  return isMeasured(file) && reaches(videoSeconds) && reaches(audioSeconds);
}

/** Containers without a table of contents have no true duration: ffmpeg guesses it from the bit rate. */
function isMeasured({ media }: ProbedInput): boolean {
  return !/^(mp3|aac|ac3|eac3|dts|amr|h264|hevc|m4v|obu|mpegvideo|mpeg|mpegts)$/.test(media.format);
}

/** Pictures are for probing and thumbnails; as video they would be one frame long. */
export function requireMoving({ media: { format, video, audio } }: ProbedInput): void {
  if (!video && !audio) throw lacking("video or audio");
  if (/_pipe$/.test(format)) {
    throw new TaskError("the file is a still picture: use the operation thumbnail", { retry: false });
  }
}

/** The error for a file without the stream that the operation is about. */
export function lacking(stream: string): TaskError {
  return new TaskError(`the file has no ${stream}`, { retry: false });
}
