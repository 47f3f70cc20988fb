/** The gate: which scripts may be rendered and published. Pure. */

/** A hook of fewer points is not published. */
export const PASS_SCORE = 85;
/** How often a script may be written anew before it is given up. */
export const MAX_REGENERATIONS = 3;
/** Scripts are written in batches of at least so many: one call costs less than ten. */
export const MIN_BATCH = 10;
/** The most scripts that one call takes. */
export const MAX_BATCH = 50;

/** Where a script goes from here. */
export interface GateDecision {
  readonly passed: boolean;
  /** `draft`: may be written anew. */
  readonly status: "passed" | "draft" | "rejected";
}

/** What a score of 0 to 100 means for a script that has been written anew so many times. */
export function gateDecision(score: number, regenerations: number): GateDecision {
  if (score >= PASS_SCORE) return { passed: true, status: "passed" };
  return { passed: false, status: regenerations >= MAX_REGENERATIONS ? "rejected" : "draft" };
}

/** The rubric, with the weight of each dimension; together 100. */
export const RUBRIC = {
  hook: 30,
  relevance: 15,
  clarity: 15,
  call_to_action: 10,
  originality: 10,
  platform_fit: 10,
  compliance: 10,
} as const;

/** A dimension of the rubric. */
export type Dimension = keyof typeof RUBRIC;

/** The score of a script whose dimensions were rated 0 to 100 each; one decimal. */
export function rubricScore(ratings: Readonly<Record<Dimension, number>>): number {
  const total = Object.entries(RUBRIC).reduce(
    (sum, [name, weight]) => sum + ratings[name as Dimension] * weight,
    0,
  );
  return Math.round(total / 10) / 10;
}
