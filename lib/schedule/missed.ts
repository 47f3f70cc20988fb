/** What becomes of due times that have passed: the last one fires, late or not at all; earlier ones were missed. Pure. */
import { countDue, type DueTimes, lastDue } from "./due.ts";
import type { Routine } from "./routine.ts";

/** Runs that did not happen, and will not. Instants are ms since the epoch. */
export interface Missed {
  readonly count: number;
  /** There were more; counting ended. */
  readonly more: boolean;
  readonly first: number;
  readonly last: number;
}

/** What to do about all due times up to `until`. */
export interface DueDecision {
  /** The last due time that has passed: with this decision all up to it are dealt with. */
  readonly until: number;
  /** Whether a run starts for it now. */
  readonly fire: boolean;
  readonly missed?: Missed;
}

/** A run that starts within so long after its time is on time: clocks are looked at every 30 s at the latest. */
export const ON_TIME_MS = 60_000;

const MAX_COUNTED = 10_000;

/**
 * Decides about the due times after `handled` and not after `now`.
 * @returns undefined when there are none
 */
export function decideDue(
  times: DueTimes,
  handled: number,
  now: number,
  { missed, missedWindowSeconds }: Pick<Routine, "missed" | "missedWindowSeconds">,
): DueDecision | undefined {
  const first = times.next(handled);
  if (first === undefined || first > now) return undefined;
  const until = lastDue(times, handled, now) ?? first;
  const late = now - until;
  const fire = late <= ON_TIME_MS || (missed === "once" && late <= missedWindowSeconds * 1000);
  if (fire && first === until) return { until, fire };
  const { count, more } = countDue(times, handled, fire ? until - 1 : until, MAX_COUNTED);
  const last = fire ? lastDue(times, handled, until - 1) ?? first : until;
  return { until, fire, missed: { count, more, first, last } };
}
