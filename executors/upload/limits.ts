/**
 * What the platforms take. They change it now and then, and allow some accounts more than others: the table refuses
 * only what no account may post, and the platform itself has the last word.
 *
 * Sources, read on 2026-11-21:
 * - TikTok: developers.tiktok.com/doc/content-posting-api-media-transfer-guide (containers, codecs, frame rate,
 *   picture size, caption of 2,200 characters); length and size as its own page for uploads allows, 60 min and 10 GB,
 *   which is more than the API's 10 min and 4 GB.
 * - Instagram: developers.facebook.com/docs/instagram-platform, Reel specifications (containers, codecs, 23 to 60
 *   frames a second, 3 s to 15 min, width of at most 1,920, ratio 0.01 to 10, caption of 2,200 characters with 30
 *   hashtags); size as the app allows, 4 GB.
 * - YouTube: support.google.com/youtube, answers 71673 (12 h, 256 GB) and 57407 (title of 100 characters without
 *   angle brackets, description of 5,000 bytes); its list of formats is open-ended, so that codecs are not checked.
 */
import type { Media } from "../ffmpeg/probe.ts";
import { hashtagsIn, type Platform } from "./input.ts";

interface Limits {
  readonly name: string;
  /** ffmpeg's names; one container has several. */
  readonly containers: readonly string[];
  readonly containerNames: string;
  /** ffmpeg's names; any where undefined. */
  readonly codecs?: readonly string[];
  readonly seconds: readonly [min: number, max: number];
  readonly maxBytes: number;
  /** Pixels, either side. */
  readonly sides: readonly [min: number, max: number];
  readonly maxWidth?: number;
  /** Width through height. */
  readonly ratio?: readonly [min: number, max: number];
  readonly fps?: readonly [min: number, max: number];
  readonly caption: {
    readonly max: number;
    readonly unit: "characters" | "bytes";
    readonly hashtags?: number;
  };
  readonly title?: number;
}

const GB = 1e9;
const HOUR = 3_600;

const LIMITS: Readonly<Record<Platform, Limits>> = {
  tiktok: {
    name: "TikTok",
    containers: ["mp4", "mov", "webm"],
    containerNames: "MP4, MOV and WebM",
    codecs: ["h264", "hevc", "vp8", "vp9"],
    seconds: [1, HOUR],
    maxBytes: 10 * GB,
    sides: [360, 4_096],
    fps: [23, 60],
    caption: { max: 2_200, unit: "characters" },
  },
  instagram: {
    name: "Instagram",
    containers: ["mp4", "mov"],
    containerNames: "MP4 and MOV",
    codecs: ["h264", "hevc"],
    seconds: [3, 15 * 60],
    maxBytes: 4 * GB,
    sides: [2, 4_096],
    maxWidth: 1_920,
    ratio: [0.01, 10],
    fps: [23, 60],
    caption: { max: 2_200, unit: "characters", hashtags: 30 },
  },
  youtube: {
    name: "YouTube",
    containers: ["mp4", "mov", "webm", "matroska", "avi", "flv", "mpeg", "mpegts", "asf", "mxf", "3gp"],
    containerNames: "MP4, MOV, WebM, MKV, AVI, WMV, FLV, MPEG and 3GP",
    seconds: [1, 12 * HOUR],
    maxBytes: 256 * GB,
    sides: [2, 8_192],
    caption: { max: 5_000, unit: "bytes" },
    title: 100,
  },
};

/** Frame rates are averages over the file, which miss the round number by a little. */
const FPS_TOLERANCE = 0.5;

/** The platform's name as people write it. */
export function platformName(platform: Platform): string {
  return LIMITS[platform].name;
}

/** What is wrong with the text, one line each. */
export function textProblems(platform: Platform, caption: string, title?: string): string[] {
  const { caption: limit, title: maxTitle } = LIMITS[platform];
  // Platforms count UTF-16 units, as a JavaScript string does.
  const length = limit.unit === "bytes" ? new TextEncoder().encode(caption).length : caption.length;
  const tags = hashtagsIn(caption).length;
  return [
    ...length > limit.max ? [`the caption has ${length} ${limit.unit}, more than ${limit.max}`] : [],
    ...tags > (limit.hashtags ?? Infinity)
      ? [`the caption has ${tags} hashtags, more than ${limit.hashtags}`]
      : [],
    ...maxTitle !== undefined && title !== undefined && title.length > maxTitle
      ? [`the title has ${title.length} characters, more than ${maxTitle}`]
      : [],
    ...platform === "youtube" && /[<>]/.test(`${title ?? ""}${caption}`)
      ? ["title and caption must not hold < or >"]
      : [],
  ];
}

/** What is wrong with the file, one line each. */
export function mediaProblems(platform: Platform, media: Media, bytes: number): string[] {
  const limits = LIMITS[platform];
  const { video, durationSeconds: seconds } = media;
  const problems: string[] = [];
  const container = media.format.split(",");
  if (!container.some((name) => limits.containers.includes(name)) || onlyMatroska(media, limits)) {
    problems.push(`its container is ${container[0]}, but only ${limits.containerNames} are taken`);
  }
  if (bytes > limits.maxBytes) {
    problems.push(`it has ${megabytes(bytes)}, more than ${megabytes(limits.maxBytes)}`);
  }
  if (seconds === undefined) problems.push("its length is unknown");
  else if (outside(seconds, limits.seconds)) {
    problems.push(`it lasts ${round(seconds)} s, not ${limits.seconds[0]} to ${limits.seconds[1]} s`);
  }
  if (!video) return [...problems, "it has no picture"];
  const { width, height, codec, fps } = video;
  if (limits.codecs && !limits.codecs.includes(codec)) {
    problems.push(`its picture is coded as ${codec}, but only ${limits.codecs.join(", ")} are taken`);
  }
  if (
    outside(width, limits.sides) || outside(height, limits.sides) || width > (limits.maxWidth ?? Infinity)
  ) {
    const width = limits.maxWidth ? `, the width at most ${limits.maxWidth}` : "";
    problems.push(
      `its picture has ${video.width}x${height} pixels; each side must have ` +
        `${limits.sides[0]} to ${limits.sides[1]}${width}`,
    );
  }
  if (limits.ratio && outside(width / height, limits.ratio)) {
    problems.push(`its ratio is ${round(width / height)}, not ${limits.ratio[0]} to ${limits.ratio[1]}`);
  }
  if (limits.fps && fps !== undefined && outside(fps, limits.fps, FPS_TOLERANCE)) {
    problems.push(`it has ${round(fps)} frames a second, not ${limits.fps[0]} to ${limits.fps[1]}`);
  }
  return problems;
}

/** ffmpeg gives WebM and Matroska the same name; WebM is the one that holds only VP8, VP9 and AV1. */
function onlyMatroska(media: Media, limits: Limits): boolean {
  return media.format.includes("webm") && !limits.containers.includes("matroska") &&
    !["vp8", "vp9", "av1"].includes(media.video?.codec ?? "");
}

/** The extension by which an upload page knows the file. */
export function extensionOf(media: Media): string {
  const name = media.format.split(",");
  if (name.includes("mp4")) return "mp4"; // ffmpeg gives MP4, MOV and 3GP the same name
  if (name.includes("webm")) return ["vp8", "vp9", "av1"].includes(media.video?.codec ?? "") ? "webm" : "mkv";
  const known: Record<string, string> = {
    mpegts: "ts",
    mpeg: "mpg",
    asf: "wmv",
    avi: "avi",
    flv: "flv",
    mxf: "mxf",
  };
  return known[name[0]] ?? "mp4";
}

function outside(value: number, [min, max]: readonly [number, number], tolerance = 0): boolean {
  return value < min - tolerance || value > max + tolerance;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function megabytes(bytes: number): string {
  return bytes >= GB ? `${round(bytes / GB)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
