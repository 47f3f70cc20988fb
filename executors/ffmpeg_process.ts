/** The task type `ffmpeg_process`: looks into, converts, cuts, joins and measures media files with ffmpeg. */
import { join } from "node:path";
import { findProgram, runProgram } from "../lib/process.ts";
import { ProgramVersions } from "../lib/process/program_version.ts";
import {
  type Availability,
  type ExecutionContext,
  type Executor,
  type Progress,
  TaskError,
} from "../lib/task/task.ts";
import { problemWith } from "./ffmpeg/expectation.ts";
import { ffmpegFailure } from "./ffmpeg/failure.ts";
import { bringIn, type FileSettings, keep, resultName } from "./ffmpeg/files.ts";
import { type FfmpegInput, ffmpegInput } from "./ffmpeg/input.ts";
import {
  type LoudnessMeasurement,
  measureArguments,
  parseMeasurement,
  planCorrection,
} from "./ffmpeg/loudness.ts";
import { type Plan, planFor } from "./ffmpeg/plan.ts";
import { type Media, parseProbe, probeArguments, type ProbedInput } from "./ffmpeg/probe.ts";
import { estimate, ofPass, progressReader } from "./ffmpeg/progress.ts";
import { resultFolder } from "./task_files.ts";

/** What the executor needs of the configuration. */
export interface FfmpegSettings extends FileSettings {
  /** A path, or a name to look up. */
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
}

/** A finished task's answer: the file that was made, or for `probe` the file that was looked at. */
export interface FfmpegResult {
  readonly operation: FfmpegInput["operation"];
  /** Absolute path of the result; not for `probe`. */
  readonly output?: string;
  readonly bytes: number;
  readonly probe: Media;
  /** What `loudness` found before it corrected anything. */
  readonly measured?: LoudnessMeasurement;
}

const PROBE_TIMEOUT_MS = 60_000;

/** Makes the executor; nothing is run yet. */
export function ffmpegProcess(settings: FfmpegSettings): Executor<FfmpegInput, FfmpegResult> {
  const versions = new ProgramVersions();
  return {
    type: "ffmpeg_process",
    description: "probes, transcodes, trims, scales, joins and normalises media files with ffmpeg",
    input: ffmpegInput,
    check: () => checkPrograms(settings, versions),
    run: (input, context) => runOperation(input, settings, context),
  };
}

async function checkPrograms(
  { ffmpegPath, ffprobePath }: FfmpegSettings,
  versions: ProgramVersions,
): Promise<Availability> {
  const missing = (program: string, variable: string): Availability => ({
    available: false,
    reason: `${program} was not found`,
    fix: `install ffmpeg (apt-get install ffmpeg, brew install ffmpeg) or set ${variable}`,
  });
  const pattern = /^ffmpeg version (\S+)/;
  const answer = await versions.ask({ program: ffmpegPath, args: ["-version"], pattern });
  if (!answer.found) return missing(ffmpegPath, "FFMPEG_PATH");
  if (await findProgram(ffprobePath) === undefined) return missing(ffprobePath, "FFPROBE_PATH");
  if (answer.version !== undefined) return { available: true, version: answer.version };
  return { available: false, reason: answer.problem, fix: "run it by hand to see why, and reinstall ffmpeg" };
}

async function runOperation(
  input: FfmpegInput,
  settings: FfmpegSettings,
  context: ExecutionContext,
): Promise<FfmpegResult> {
  const sources = "inputs" in input ? input.inputs : [input.input];
  const files: ProbedInput[] = [];
  for (const [index, source] of sources.entries()) {
    await bringIn(source, `input${index}`, settings, context);
    files.push(await probe(`input${index}`, settings, context));
  }
  switch (input.operation) {
    case "probe": {
      const { size } = await Deno.stat(join(context.tempDir, "input0"));
      return { operation: input.operation, bytes: size, probe: files[0].media };
    }
    case "loudness": {
      const seconds = files[0].media.durationSeconds;
      const args = [...measureArguments(input, files[0]), "-"];
      const measured = parseMeasurement(
        await runFfmpeg(args, settings, context, { seconds, pass: 0, passes: 2 }),
      );
      const plan = planCorrection(input, files[0], measured);
      return { ...await make(input, plan, settings, context, { pass: 1, passes: 2 }), measured };
    }
    default:
      return await make(input, planFor(input, files), settings, context);
  }
}

/** Makes a file by plan, checks that it is what was asked for, and only then moves it to where results are kept. */
async function make(
  input: Exclude<FfmpegInput, { operation: "probe" }>,
  plan: Plan,
  settings: FfmpegSettings,
  context: ExecutionContext,
  passes = { pass: 0, passes: 1 },
): Promise<FfmpegResult> {
  const made = `output.${plan.extension}`;
  const path = join(context.tempDir, "result"); // like inputs without extension: ffprobe goes by what is inside
  if (plan.list) await Deno.writeTextFile(join(context.tempDir, plan.list.name), plan.list.text);
  await runFfmpeg([...plan.args, `file:${made}`], settings, context, { seconds: plan.seconds, ...passes });
  await Deno.rename(join(context.tempDir, made), path).catch(() => {}); // absent: told below
  const { size: bytes } = await Deno.stat(path).catch(() => ({ size: 0 }));
  if (bytes === 0) throw new TaskError("ffmpeg made no result", { retry: true });
  const { media } = await probe("result", settings, context);
  const problem = problemWith(media, bytes, plan.expect);
  if (problem) throw new TaskError(`${problem}; the input may be damaged`, { retry: true });
  const folder = await resultFolder(settings.outputDir, context.task.id);
  const output = await keep(path, folder, resultName(input.output, input.operation, plan.extension));
  return { operation: input.operation, output, bytes, probe: media };
}

/** Runs ffmpeg in the temp folder and returns the last lines it printed on stderr. */
async function runFfmpeg(
  args: string[],
  settings: FfmpegSettings,
  context: ExecutionContext,
  { seconds, pass, passes }: { seconds?: number; pass: number; passes: number },
): Promise<string[]> {
  const read = progressReader();
  const report = (progress: Progress) => progress.percent !== undefined && context.progress(progress);
  // A measurement is printed at the level of information; otherwise only errors are of interest.
  const level = args.includes("null") ? "info" : "error";
  const general = [
    "-nostdin",
    "-hide_banner",
    "-nostats",
    "-v",
    level,
    "-y",
    "-progress",
    "pipe:1",
    "-stats_period",
    "0.5",
  ];
  const result = await runProgram({
    program: settings.ffmpegPath,
    args: [...general, ...args],
    cwd: context.tempDir,
    signal: context.signal,
    tailLines: 100,
    onStdoutLine: (line) => {
      const sample = read(line);
      if (sample) report(ofPass(estimate(sample, seconds), pass, passes));
    },
  });
  context.signal.throwIfAborted();
  if (result.code !== 0) throw ffmpegFailure("ffmpeg", result);
  return result.stderrTail;
}

async function probe(
  file: string,
  settings: FfmpegSettings,
  context: ExecutionContext,
): Promise<ProbedInput> {
  const lines: string[] = [];
  const result = await runProgram({
    program: settings.ffprobePath,
    args: probeArguments(file),
    cwd: context.tempDir,
    signal: context.signal,
    timeoutMs: PROBE_TIMEOUT_MS,
    onStdoutLine: (line) => lines.length < 10_000 && lines.push(line),
  });
  context.signal.throwIfAborted();
  if (result.code !== 0) throw ffmpegFailure("ffprobe", result);
  return parseProbe(lines.join("\n"));
}
