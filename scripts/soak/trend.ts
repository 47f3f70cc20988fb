/** Whether a figure grows: a straight line through its samples, and how sure it is. Pure. */

/** `at` in ms. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** What the value gains an hour. */
export interface Trend {
  readonly perHour: number;
  /** Standard error of it, as if the samples were independent; infinite with fewer than three. */
  readonly error: number;
}

const HOUR_MS = 3_600_000;

/** Fits a line by least squares. @throws Error with fewer than two moments */
export function trend(samples: readonly Sample[]): Trend {
  const n = samples.length;
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / n;
  const at = mean((sample) => sample.at);
  const value = mean((sample) => sample.value);
  const spread = mean((sample) => (sample.at - at) ** 2) * n;
  if (!(spread > 0)) throw new Error("a trend needs samples of two moments at least; let it run longer");
  const slope = mean((sample) => (sample.at - at) * (sample.value - value)) * n / spread;
  const rest = mean((sample) => (sample.value - value - slope * (sample.at - at)) ** 2) * n;
  const error = n < 3 ? Infinity : Math.sqrt(rest / (n - 2) / spread);
  return { perHour: slope * HOUR_MS, error: error * HOUR_MS };
}

/** Whether the value surely (to two standard errors) gains more than `limit` an hour. */
export function growsBeyond({ perHour, error }: Trend, limit: number): boolean {
  return perHour - 2 * error > limit;
}
