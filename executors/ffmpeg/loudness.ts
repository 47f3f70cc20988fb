/** Loudness normalisation in two passes: measure, then correct by what was measured. Pure. */
import { z } from "zod";
import { TaskError } from "../../lib/task/task.ts";
import type { InputOf } from "./input.ts";
import { containerOf, encodeAudio, lacking, muxing, type Plan, requireMoving, source } from "./plan.ts";
import type { ProbedInput } from "./probe.ts";
import { around } from "./expectation.ts";

/** What the first pass finds; in LUFS, dBTP, LU, LUFS and LU. */
export interface LoudnessMeasurement {
  readonly loudness: number;
  readonly truePeak: number;
  readonly range: number;
  readonly threshold: number;
  readonly offset: number;
}

/** The first pass: everything is decoded, nothing written; the measurement is printed on stderr. */
export function measureArguments(input: InputOf<"loudness">, file: ProbedInput): string[] {
  requireMoving(file);
  if (!file.media.audio) throw lacking("audio");
  return [...source(), "-map", "0:a:0", "-af", `${filter(input)}:print_format=json`, "-f", "null"];
}

const measurementSchema = z.object({
  input_i: z.coerce.number(),
  input_tp: z.coerce.number(),
  input_lra: z.coerce.number(),
  input_thresh: z.coerce.number(),
  target_offset: z.coerce.number(),
});

/** Finds the measurement in what ffmpeg printed last. @throws TaskError without retry for silence */
export function parseMeasurement(stderrTail: readonly string[]): LoudnessMeasurement {
  const text = stderrTail.join("\n");
  const json = text.slice(text.lastIndexOf("{"), text.lastIndexOf("}") + 1);
  if (/"-inf"/.test(json)) {
    throw new TaskError("the audio is silent: it has no loudness to correct", { retry: false });
  }
  const found = measurementSchema.safeParse(parseJson(json));
  if (!found.success) throw new TaskError("ffmpeg printed no loudness measurement", { retry: true });
  const { input_i, input_tp, input_lra, input_thresh, target_offset } = found.data;
  return {
    loudness: input_i,
    truePeak: input_tp,
    range: input_lra,
    threshold: input_thresh,
    offset: target_offset,
  };
}

/** The second pass: sound corrected, pictures copied. */
export function planCorrection(
  input: InputOf<"loudness">,
  file: ProbedInput,
  found: LoudnessMeasurement,
): Plan {
  const extension = containerOf(file);
  const { video, audio, durationSeconds: seconds } = file.media;
  const measured = `measured_I=${found.loudness}:measured_TP=${found.truePeak}:measured_LRA=${found.range}:` +
    `measured_thresh=${found.threshold}:offset=${found.offset}:linear=true`;
  // The filter works at 192 kHz; without a rate given the result would keep that.
  const rate = [
    "-ar",
    `${
      extension === "webm" || extension === "opus" ? 48_000 : Math.min(audio!.sampleRate || 48_000, 48_000)
    }`,
  ];
  const sound = ["-map", "0:a:0", "-af", `${filter(input)}:${measured}`, ...encodeAudio(extension), ...rate];
  return {
    args: [...source(), ...video ? ["-map", "0:V:0", "-c:v", "copy"] : [], ...sound, ...muxing(extension)],
    extension,
    ...seconds === undefined ? {} : { seconds },
    expect: {
      video: video !== undefined,
      audio: true,
      ...seconds === undefined || !/mp4|matroska|wav|flac|ogg/.test(file.media.format) ? {} : around(seconds),
    },
  };
}

function filter({ target, truePeak, range }: InputOf<"loudness">): string {
  return `loudnorm=I=${target}:TP=${truePeak}:LRA=${range}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
