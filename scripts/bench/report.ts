/** Samples, medians, ratios and the one table. Pure. */

/** One line of the table. */
export interface Row {
  readonly label: string;
  /** Which direction is good; undefined where a value is not a number to compare. */
  readonly better?: "more" | "less";
}

/** All samples, by row label, then by system. Text stands for itself: "refused", ">90". */
export type Samples = Map<string, Map<string, (number | string)[]>>;

/** The middle value; the mean of the middle two. NaN without values. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which `percent` of the values lie, interpolated. NaN without values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * percent / 100;
  const [low, high] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return low + (high - low) * (position - Math.floor(position));
}

/** Adds one sample. */
export function addSample(samples: Samples, label: string, system: string, value: number | string): void {
  const bySystem = samples.get(label) ?? new Map<string, (number | string)[]>();
  samples.set(label, bySystem);
  bySystem.set(system, [...bySystem.get(system) ?? [], value]);
}

/** What one cell stands for: the median of the numbers, or else the last text. */
export function summary(values: readonly (number | string)[] = []): number | string | undefined {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 0 ? median(numbers) : values.at(-1);
}

/** How many times better `ours` is than `theirs`; undefined where that cannot be said. */
export function ratio(ours: unknown, theirs: unknown, better: Row["better"]): number | undefined {
  if (typeof ours !== "number" || typeof theirs !== "number" || !better) return undefined;
  const times = better === "more" ? ours / theirs : theirs / ours;
  return Number.isFinite(times) ? times : undefined;
}

/**
 * The table: a line for each row that has samples, a column for each system. The first system is the measure: the
 * others show in brackets how many times better it is than they are.
 */
export function renderTable(rows: readonly Row[], systems: readonly string[], samples: Samples): string {
  const [first] = systems;
  const lines = rows.filter((row) => samples.has(row.label)).map((row) => {
    const values = samples.get(row.label)!;
    const measure = summary(values.get(first));
    const cells = systems.map((system) => {
      const value = summary(values.get(system));
      const times = system === first ? undefined : ratio(measure, value, row.better);
      return show(value) + (times === undefined ? "" : ` (${show(times)}×)`);
    });
    return [row.label, ...cells];
  });
  const table = [["", ...systems], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table.map((line) =>
    line.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join(
      "  ",
    ).trimEnd()
  ).join("\n");
}

/** Three significant digits, thousands separated. */
function show(value: number | string | undefined): string {
  if (value === undefined) return "–";
  if (typeof value === "string") return value;
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-GB", { maximumFractionDigits: Math.min(digits, 3) });
}
