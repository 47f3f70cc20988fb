/** From a finished video to the task's output: looked into, pictured, and stored or kept. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { runProgram } from "../../lib/process.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { ffmpegFailure } from "../ffmpeg/failure.ts";
import { keep } from "../ffmpeg/files.ts";
import { planFor } from "../ffmpeg/plan.ts";
import { parseProbe, probeArguments, type ProbedInput } from "../ffmpeg/probe.ts";
import { CODECS } from "./codec.ts";
import type { RemotionInput } from "./input.ts";
import { ENCODED_PERCENT } from "./progress.ts";
import { removeRecord, writeRecord } from "./record.ts";
import type { RemotionSettings } from "./settings.ts";

/** A finished task's answer. */
export interface RenderResult {
  readonly composition: string;
  /** Where others fetch it; without a storage there is `output_file` instead. */
  readonly video_url?: string;
  /** Absolute path on the worker's machine. */
  readonly output_file?: string;
  readonly thumbnail_url?: string;
  readonly thumbnail_file?: string;
  readonly file_size_bytes: number;
  readonly duration_seconds: number;
  readonly width: number;
  readonly height: number;
  readonly codec: string;
  readonly render_duration_ms: number;
}

/** A video to be finished. */
export interface FinishedVideo {
  readonly file: string;
  readonly renderMs: number;
  /** The task's result folder. */
  readonly folder: string;
  readonly fingerprint: string;
}

type ResultSettings = Pick<RemotionSettings, "ffmpegPath" | "ffprobePath" | "storage">;

/** The buckets that the services around the worker read from. */
export const VIDEO_BUCKET = "actp-videos";
export const THUMBNAIL_BUCKET = "actp-thumbnails";

const TOOL_TIMEOUT_MS = 60_000;

/** The name that a video has in the result folder; composition ids hold no slashes and dots. */
export function videoName({ composition, codec }: Pick<RemotionInput, "composition" | "codec">): string {
  return `${composition}.${CODECS[codec].extension}`;
}

/**
 * Checks the video, keeps it in the result folder, and stores it where there is a storage: then nothing stays behind.
 * Until it is stored, a later attempt finds it there and need not render again.
 */
export async function finishVideo(
  video: FinishedVideo,
  input: RemotionInput,
  settings: ResultSettings,
  context: ExecutionContext,
): Promise<RenderResult> {
  context.progress({ percent: ENCODED_PERCENT, message: "checking the video" });
  const probed = await probeVideo(video.file, settings, context);
  const facts = await factsOf(video.file, probed);
  const name = videoName(input);
  const file = await keep(video.file, video.folder, name);
  const { folder, renderMs } = video;
  const { storage } = settings;
  if (storage) {
    await writeRecord(folder, { kind: "rendered", fingerprint: video.fingerprint, file: name, renderMs });
  }
  const picture = input.thumbnail ? await makeThumbnail(file, probed, settings, context) : undefined;
  const output = { composition: input.composition, ...facts, render_duration_ms: renderMs };
  if (!storage) {
    await removeRecord(folder);
    const thumbnail = picture && await keep(picture, folder, `${input.composition}.jpg`);
    return { ...output, output_file: file, ...thumbnail === undefined ? {} : { thumbnail_file: thumbnail } };
  }
  const urls = await storeBoth(
    storage,
    { file, picture, contentType: CODECS[input.codec].contentType },
    context,
  );
  await Deno.remove(file);
  await removeRecord(folder);
  return { ...output, ...urls };
}

/**
 * What ffprobe finds in a video.
 * @throws TaskError when it is none
 */
export async function probeVideo(
  file: string,
  { ffprobePath }: Pick<RemotionSettings, "ffprobePath">,
  context: ExecutionContext,
): Promise<ProbedInput> {
  const lines: string[] = [];
  const result = await runProgram({
    program: ffprobePath,
    args: probeArguments(file),
    cwd: context.tempDir,
    signal: context.signal,
    timeoutMs: TOOL_TIMEOUT_MS,
    onStdoutLine: (line) => lines.length < 10_000 && lines.push(line),
  });
  context.signal.throwIfAborted();
  if (result.code !== 0) {
    const { message, logTail } = ffmpegFailure("ffprobe", result);
    throw new TaskError(`The rendered file is no video: ${message}`, { retry: true, logTail });
  }
  const probed = parseProbe(lines.join("\n"));
  if (!probed.media.video) throw new TaskError("The rendered file holds no picture", { retry: true });
  return probed;
}

/** The part of the output that describes the file. */
export async function factsOf(
  file: string,
  { media }: ProbedInput,
): Promise<Pick<RenderResult, "file_size_bytes" | "duration_seconds" | "width" | "height" | "codec">> {
  const { size } = await Deno.stat(file);
  if (media.durationSeconds === undefined || !media.video) {
    throw new TaskError("The rendered file has no known duration", { retry: true });
  }
  const { width, height, codec } = media.video;
  return { file_size_bytes: size, duration_seconds: media.durationSeconds, width, height, codec };
}

/** A picture of the video in the temp folder. A video is not lost for want of its picture: then undefined. */
async function makeThumbnail(
  file: string,
  probed: ProbedInput,
  { ffmpegPath }: ResultSettings,
  context: ExecutionContext,
): Promise<string | undefined> {
  const folder = join(context.tempDir, "thumbnail");
  await Deno.mkdir(folder);
  await Deno.symlink(file, join(folder, "input0"));
  const choice = { operation: "thumbnail", input: "input0", at: "10%", format: "jpg" } as const;
  const { args } = planFor(choice, [probed]);
  const result = await runProgram({
    program: ffmpegPath,
    args: ["-nostdin", "-hide_banner", "-v", "error", "-y", ...args, "file:thumbnail.jpg"],
    cwd: folder,
    signal: context.signal,
    timeoutMs: TOOL_TIMEOUT_MS,
  });
  context.signal.throwIfAborted();
  const picture = join(folder, "thumbnail.jpg");
  const made = result.code === 0 && ((await Deno.stat(picture).catch(() => undefined))?.size ?? 0) > 0;
  if (made) return picture;
  const { message } = ffmpegFailure("ffmpeg", result);
  context.log.warn("the video gets no thumbnail: {message}", { message });
}

async function storeBoth(
  storage: Storage,
  files: { file: string; picture?: string; contentType: string },
  context: ExecutionContext,
): Promise<Pick<RenderResult, "video_url" | "thumbnail_url">> {
  const { signal } = context;
  const folder = objectFolder(context.task.id);
  const extension = files.file.slice(files.file.lastIndexOf("."));
  const stored = await storage.upload({
    file: files.file,
    bucket: VIDEO_BUCKET,
    path: `${folder}/video${extension}`,
    contentType: files.contentType,
    signal,
    onProgress: (sent, total) =>
      context.progress({
        percent: ENCODED_PERCENT + (total > 0 ? sent / total : 1) * (99 - ENCODED_PERCENT),
        message: "storing the video",
      }),
  });
  if (files.picture === undefined) return { video_url: stored.url };
  const picture = await storage.upload({
    file: files.picture,
    bucket: THUMBNAIL_BUCKET,
    path: `${folder}/thumbnail.jpg`,
    contentType: "image/jpeg",
    signal,
  });
  return { video_url: stored.url, thumbnail_url: picture.url };
}

/** The task's id where it can be part of an object's name on any store, else its digest. */
function objectFolder(taskId: string): string {
  const plain = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(taskId);
  return plain ? taskId : createHash("sha256").update(taskId).digest("hex");
}
