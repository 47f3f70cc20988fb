/**
 * When routines are due. Pure: the same on every machine, whenever it is asked.
 *
 * Daylight saving, for cron expressions: a time that does not exist is due at the next minute that does; a time that
 * happens twice is due once, the first time, unless the expression means every hour. Intervals count time as it passes.
 */
import type { Calendar } from "./calendar.ts";
import { endOfGap, instantsOf, transition } from "./local_time.ts";
import type { CronSchedule, Schedule } from "./routine.ts";

/** The due times of one schedule. Instants are ms since the epoch. */
export interface DueTimes {
  /** The first due time after `after`; undefined when there is none any more. */
  next(after: number): number | undefined;
}

/** Due times that were found, of which there may be more. */
export interface DueCount {
  readonly count: number;
  /** Counting ended at the limit. */
  readonly more: boolean;
}

/** No overlap of local times lasts longer. */
const LONGEST_OVERLAP_MS = 3 * 3_600_000;
/** Of ever longer spans, the last due time is looked for in the shortest that holds one. */
const SPANS_MS = [60_000, 3_600_000, 86_400_000, 32 * 86_400_000, 366 * 86_400_000];

/**
 * The due times of a schedule.
 * @param anchor where intervals count from that name no anchor of their own, in ms since the epoch
 * @throws an Error that says what is wrong with the schedule
 */
export function dueTimes(schedule: Schedule, anchor: number, calendar: Calendar): DueTimes {
  if ("cron" in schedule) return cronTimes(schedule, calendar);
  if ("at" in schedule) {
    const at = Date.parse(schedule.at);
    return { next: (after) => at > after ? at : undefined };
  }
  const every = schedule.everySeconds * 1000;
  const start = schedule.anchor === undefined ? anchor : Date.parse(schedule.anchor);
  return { next: (after) => start + Math.max(0, Math.floor((after - start) / every) + 1) * every };
}

/** The last due time after `after` and not after `until`. */
export function lastDue(times: DueTimes, after: number, until: number): number | undefined {
  for (const span of [...SPANS_MS, Infinity]) {
    const from = Math.max(after, until - span);
    let last: number | undefined;
    for (let due = times.next(from); due !== undefined && due <= until; due = times.next(due)) last = due;
    if (last !== undefined || from === after) return last;
  }
}

/** How many due times lie after `after` and not after `until`, counted up to `limit`. */
export function countDue(times: DueTimes, after: number, until: number, limit: number): DueCount {
  let count = 0;
  for (let due = times.next(after); due !== undefined && due <= until; due = times.next(due)) {
    if (count === limit) return { count, more: true };
    count++;
  }
  return { count, more: false };
}

function cronTimes({ cron, timeZone }: CronSchedule, calendar: Calendar): DueTimes {
  const zone = calendar.zone(timeZone);
  const { everyHour } = calendar.pattern(cron);
  /** When the local time is due; in an overlap the first time that is after `after`, if any is. */
  const instant = (wall: number, after: number) => {
    const instants = instantsOf(zone, wall);
    if (instants.length === 0) return endOfGap(zone, wall);
    return instants.find((each) => each > after) ?? instants[0]!;
  };
  /** The first due time after `after` among the local times after `wall`, as if clocks were never set back. */
  const search = (wall: number, after: number, first: number): number | undefined => {
    const pattern = calendar.pattern(cron);
    for (let next = pattern.nextWall(wall); next !== undefined; next = pattern.nextWall(next)) {
      const due = instant(next, first);
      if (due > after) return due;
    }
  };
  const wallAt = (instant: number) => instant + zone.offsetAt(instant);
  if (!everyHour) {
    return { next: (after) => search(wallAt(after), after, -Infinity) };
  }
  return {
    next(after) {
      const due = search(wallAt(after), after, after);
      // Clocks may be set back before that: then the hour that comes again is looked at as well.
      const soon = Math.min(due ?? Infinity, after + LONGEST_OVERLAP_MS);
      if (zone.offsetAt(soon) >= zone.offsetAt(after)) return due;
      const back = transition(zone, after, soon);
      const again = search(wallAt(back) - 1, back - 1, back - 1);
      return again !== undefined && (due === undefined || again < due) ? again : due;
    },
  };
}
