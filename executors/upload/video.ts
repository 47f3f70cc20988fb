/** Getting the video that a task names, and checking it before anything is done with it. */
import { join } from "node:path";
import { runProgram } from "../../lib/process.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { ffmpegFailure } from "../ffmpeg/failure.ts";
import { bringIn, type FileSettings } from "../ffmpeg/files.ts";
import { type Media, parseProbe, probeArguments } from "../ffmpeg/probe.ts";
import type { UploadInput } from "./input.ts";
import { extensionOf, mediaProblems, platformName } from "./limits.ts";

/** What the check needs of the configuration. */
export interface VideoSettings extends FileSettings {
  readonly ffprobePath: string;
}

const PROBE_TIMEOUT_MS = 60_000;

/**
 * Brings the video into the temp folder under a plain name with its extension (a local file as a link), and holds it
 * against the platform's limits. Returns its absolute path.
 * @throws TaskError without retry when the platform would not take it
 */
export async function bringInVideo(
  input: Pick<UploadInput, "platform" | "video_url" | "file">,
  settings: VideoSettings,
  context: ExecutionContext,
): Promise<string> {
  const { platform } = input;
  await bringIn(input.video_url ?? input.file!, "video", settings, context);
  const media = await probe(settings.ffprobePath, context);
  const arrived = join(context.tempDir, "video");
  const problems = mediaProblems(platform, media, (await Deno.stat(arrived)).size);
  if (problems.length > 0) {
    throw new TaskError(`${platformName(platform)} does not take this video: ${problems.join("; ")}`, {
      retry: false,
    });
  }
  const file = `${arrived}.${extensionOf(media)}`;
  await Deno.rename(arrived, file);
  return file;
}

async function probe(ffprobe: string, { tempDir, signal }: ExecutionContext): Promise<Media> {
  const lines: string[] = [];
  const result = await runProgram({
    program: ffprobe,
    args: probeArguments("video"),
    cwd: tempDir,
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
    onStdoutLine: (line) => lines.length < 10_000 && lines.push(line),
  });
  signal.throwIfAborted();
  if (result.code !== 0) throw ffmpegFailure("ffprobe", result);
  return parseProbe(lines.join("\n")).media;
}
