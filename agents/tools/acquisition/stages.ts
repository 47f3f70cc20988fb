/** The way of a prospect to a deal. Pure. */

/** From the first sight to the end. */
export const STAGES = ["awareness", "consideration", "decision", "closed_won", "closed_lost"] as const;

/** One of them. */
export type Stage = typeof STAGES[number];

const NEXT: Record<Stage, readonly Stage[]> = {
  awareness: ["consideration", "closed_lost"],
  consideration: ["decision", "awareness", "closed_lost"],
  decision: ["closed_won", "consideration", "closed_lost"],
  closed_won: [],
  closed_lost: ["awareness"],
};

/** Whether a prospect may go from one stage to the other: step by step, and out at any time. */
export function mayMove(from: Stage, to: Stage): boolean {
  return NEXT[from].includes(to);
}
