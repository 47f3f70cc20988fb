/** Months in UTC, and weeks. Pure. */

const DAY_MS = 86_400_000;

/** When a month (YYYY-MM) begins and when the next one does, in ms since the epoch. */
export function monthBounds(month: string): { readonly from: number; readonly to: number } {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return { from: Date.UTC(year, number - 1), to: Date.UTC(year, number) };
}

/** The Monday of the week that a day (YYYY-MM-DD) is in, YYYY-MM-DD. */
export function mondayOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const sinceMonday = (date.getUTCDay() + 6) % 7;
  return new Date(date.getTime() - sinceMonday * DAY_MS).toISOString().slice(0, 10);
}

/** The day on this machine's calendar, YYYY-MM-DD: a Sunday evening here may be Monday in UTC. */
export function localDay(ms: number): string {
  const date = new Date(ms);
  const two = (number: number) => `${number}`.padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
