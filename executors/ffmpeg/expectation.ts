/** What a result must be like, held against what ffprobe finds in it. Pure. */
import type { Media } from "./probe.ts";

/** What must come out. Undefined parts are not checked. */
export interface Expectation {
  readonly video: boolean;
  readonly audio: boolean;
  readonly width?: number;
  readonly height?: number;
  readonly minSeconds?: number;
  readonly maxSeconds?: number;
}

/** Bounds around a length: 3 % but at least half a second, as encoders work in whole frames. */
export function around(seconds: number, extra = 0): { minSeconds: number; maxSeconds: number } {
  const tolerance = Math.max(0.5, seconds * 0.03) + extra;
  return { minSeconds: Math.max(0, seconds - tolerance), maxSeconds: seconds + tolerance };
}

/** What is wrong with a result, or undefined if nothing is. */
export function problemWith(media: Media, bytes: number, expected: Expectation): string | undefined {
  if (bytes === 0) return "the result is empty";
  if (expected.video && !media.video) return "the result has no video";
  if (expected.audio && !media.audio) return "the result has no audio";
  for (const side of ["width", "height"] as const) {
    const [is, should] = [media.video?.[side], expected[side]];
    if (should !== undefined && is !== should) return `the result's ${side} is ${is}, not ${should}`;
  }
  const { durationSeconds: seconds } = media;
  if (expected.minSeconds === undefined) return undefined;
  if (seconds === undefined) return "the result has no known duration";
  if (seconds < expected.minSeconds) {
    return `the result lasts ${seconds} s, less than the ${expected.minSeconds} s expected`;
  }
  if (expected.maxSeconds !== undefined && seconds > expected.maxSeconds) {
    return `the result lasts ${seconds} s, more than the ${expected.maxSeconds} s expected`;
  }
}
