/** How far ffmpeg is, from what it prints with `-progress pipe:1`. Pure. */
import type { Progress } from "../../lib/task/task.ts";

/** One report of ffmpeg. */
export interface ProgressSample {
  /** How much of the result is written, in seconds of its time; undefined before the first frame. */
  readonly outSeconds?: number;
  /** Seconds of result per second of work. */
  readonly speed?: number;
  readonly ended: boolean;
}

/** Returns a function that takes line after line and gives a sample whenever a report is complete. */
export function progressReader(): (line: string) => ProgressSample | undefined {
  let fields = new Map<string, string>();
  return (line) => {
    const [, name, value] = /^(\w+)=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) return undefined;
    if (name !== "progress") {
      if (fields.size < 100) fields.set(name, value);
      return undefined;
    }
    const microseconds = number(fields.get("out_time_us"));
    const sample = {
      outSeconds: microseconds === undefined ? undefined : Math.max(0, microseconds / 1e6),
      speed: number(fields.get("speed")?.replace(/x$/, "")),
      ended: value === "end",
    };
    fields = new Map();
    return sample;
  };
}

/** Percent and remaining seconds of a pass whose result will last `expectedSeconds`; unknown parts are left out. */
export function estimate(sample: ProgressSample, expectedSeconds: number | undefined): Progress {
  if (sample.ended) return { percent: 100, remainingSeconds: 0 };
  if (!expectedSeconds || sample.outSeconds === undefined) return {};
  const left = Math.max(0, expectedSeconds - sample.outSeconds);
  return {
    percent: Math.round(Math.min(99.9, (1 - left / expectedSeconds) * 100) * 10) / 10,
    ...sample.speed ? { remainingSeconds: Math.ceil(left / sample.speed) } : {},
  };
}

/** The progress of a whole task from the progress of one of its `passes`, counted from 0, taken to be equally long. */
export function ofPass(progress: Progress, pass: number, passes: number): Progress {
  const passesAfter = passes - pass - 1;
  // While a pass runs, those after it are only known to take about as long: say nothing about the remaining time.
  const remaining = passesAfter === 0 ? progress.remainingSeconds : undefined;
  return {
    ...progress.percent === undefined ? {} : { percent: (pass * 100 + progress.percent) / passes },
    ...remaining === undefined ? {} : { remainingSeconds: remaining },
  };
}

function number(text: string | undefined): number | undefined {
  const value = text === undefined || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
