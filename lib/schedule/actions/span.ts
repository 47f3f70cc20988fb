/** Spans of time in words. Pure. */

const UNITS = [
  { name: "day", ms: 86_400_000, partMs: 3_600_000 },
  { name: "hour", ms: 3_600_000, partMs: 60_000 },
  { name: "minute", ms: 60_000, partMs: 1000 },
] as const;

/** A span in one unit, rounded, and in the smaller one where that says more: `2 hours`, `90 minutes`, `1 day`. */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  for (const { name, ms, partMs } of UNITS) {
    const units = Math.round(size / partMs) * partMs / ms;
    if (units === 1 || units >= 2) return counted(Math.round(units), name);
  }
  return counted(Math.round(size / 1000), "second");
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
