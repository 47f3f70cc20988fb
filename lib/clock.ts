/** Time as a dependency: everything that waits takes a Clock and an AbortSignal, so tests decide what time it is. */

/** Wall-clock and monotonic time, and waiting. All durations in ms. */
export interface Clock {
  /** Wall-clock ms since the epoch; may jump. */
  now(): number;
  /** Monotonic ms; for durations. */
  monotonic(): number;
  /** Resolves after `ms`, or at once (without throwing) when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(ms, 2 ** 31 - 1));
      signal?.addEventListener("abort", finish, { once: true });
    });
  },
};

/** One moment on both clocks: the monotonic one may stand still while the machine sleeps, the wall clock may be set. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** Now, on both clocks. */
export function moment(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.now() };
}

/** Resolves when the signal aborts; at once if it has. For signals that do not outlive the waiting by far. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/**
 * Runs `work` for at most `ms`, and not beyond the signal's abort; then the signal that `work` was given aborts.
 * Does not wait for work that ignores it, and leaves neither a timer nor a listener behind.
 * @throws an Error that tells the time limit, the signal's reason, or what `work` throws
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const over = new AbortController();
  const cut = new AbortController();
  const cutShort = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    cutShort.reject(reason);
    cut.abort(reason);
  };
  const follow = () => end(signal?.reason);
  signal?.addEventListener("abort", follow, { once: true });
  void clock.sleep(ms, over.signal).then(() => {
    if (!over.signal.aborted) end(new Error(`no answer within ${ms / 1000} s`));
  });
  try {
    return await Promise.race([work(cut.signal), cutShort.promise]);
  } finally {
    over.abort("over"); // with a reason: the default one is an exception with its stack
    signal?.removeEventListener("abort", follow);
  }
}
