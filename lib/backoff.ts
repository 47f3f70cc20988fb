/** Exponential back-off with jitter: how long to wait before trying again. Pure. */

/** Bounds of a back-off, in ms. `jitter` is the share of the delay that is drawn at random, 0 to 1. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly jitter?: number;
}

/**
 * The delay in ms before the attempt that follows `failures` failures in a row (1 or more):
 * first, 2·first, 4·first … max, less up to `jitter` of it so that many clients do not come back together.
 * @param random a number in [0, 1)
 */
export function backoffDelay(failures: number, options: BackoffOptions, random = Math.random()): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 40));
  return full * (1 - (options.jitter ?? 0.2) * random);
}
