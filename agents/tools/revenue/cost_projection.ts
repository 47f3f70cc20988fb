/** Where a month's cost is heading. Pure. */
import { monthBounds } from "./months.ts";

const DAY_MS = 86_400_000;

/**
 * What the month of `now` (ms since the epoch, UTC) will cost at the average pace so far. A day that has just begun
 * counts whole on the first of a month, so that its first minutes are not taken for its pace.
 */
export function projectedCost(monthToDate: number, now: number): number {
  const { from, to } = monthBounds(new Date(now).toISOString().slice(0, 7));
  const elapsed = Math.max(DAY_MS, now - from);
  return monthToDate / elapsed * (to - from);
}
