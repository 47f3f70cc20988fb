/** How far each figure is from its goal, the worst first. Pure. */

/** One figure and its goal. */
export interface Measure {
  readonly name: string;
  /** Null where it is not known. */
  readonly actual: number | null;
  readonly goal: number;
  readonly unit: string;
  /** `at_least`: more is better; `at_most`: a ceiling. */
  readonly direction: "at_least" | "at_most";
}

/** A figure that falls short of its goal, or is not known. */
export interface Gap extends Measure {
  /** In the figure's unit; null where it is not known. */
  readonly missing: number | null;
  /** The part of the goal that is missing, 0 to 1 and more for ceilings; what is not known counts as all. */
  readonly severity: number;
}

/** The gaps, the most severe first; goals that are reached have none. */
export function goalGaps(measures: readonly Measure[]): Gap[] {
  return measures.flatMap((measure) => gapOf(measure) ?? []).sort((a, b) =>
    b.severity - a.severity || a.name.localeCompare(b.name)
  );
}

function gapOf(measure: Measure): Gap | undefined {
  const { actual, goal, direction } = measure;
  if (goal <= 0) return undefined;
  if (actual === null) return { ...measure, missing: null, severity: 1 };
  const missing = direction === "at_least" ? goal - actual : actual - goal;
  if (missing <= 0) return undefined;
  return { ...measure, missing: round(missing), severity: round(missing / goal) };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
