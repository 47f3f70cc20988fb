/** When an agent that has crashed starts again. Pure; all times in ms. */

/** How an agent's process is started again: whenever it ends, only after a failure, or not at all. */
export type RestartMode = "always" | "on-failure" | "never";

const HOUR_MS = 3_600_000;
/** So many crashes in an hour are followed by a restart at once. */
const AT_ONCE = 5;
const MAX_DELAY_MS = 300_000;
/** EX_CONFIG of sysexits.h: the program says that it cannot start until somebody changes its configuration. */
const BAD_CONFIGURATION = 78;

/** How a process ended, as far as it matters here. */
export interface ProcessEnd {
  readonly code: number | null;
  /** It was ended because it hung, flooded its output or took too much memory, or could not be started. */
  readonly faulty: boolean;
}

/** How many of the crashes happened in the last hour; those after `now` (a clock was set) count as just now. */
export function crashesWithinHour(crashes: readonly number[], now: number): number {
  return crashes.filter((at) => now - at < HOUR_MS).length;
}

/** Whether this end, which nobody asked for, is one that the agent may have: it stays stopped. */
export function isFinished(mode: RestartMode, { code, faulty }: ProcessEnd): boolean {
  return mode !== "always" && code === 0 && !faulty;
}

/**
 * The delay before the restart after the last of these crashes; undefined: none. After more than five crashes in an
 * hour it is 2^crashes s, 300 s at most.
 */
export function restartDelay(
  mode: RestartMode,
  end: ProcessEnd,
  crashes: readonly number[],
  now: number,
): number | undefined {
  if (mode === "never") return undefined;
  if (end.code === BAD_CONFIGURATION) return MAX_DELAY_MS;
  const count = crashesWithinHour(crashes, now);
  return count > AT_ONCE ? Math.min(MAX_DELAY_MS, 1000 * 2 ** Math.min(count, 30)) : 0;
}
