/**
 * The rules that the database applies when several workers share a routine: what a run does that meets another, and how
 * failures slow a routine down and switch it off. Decided here, once, and handed over with the routine's definition. Pure.
 */
import { backoffDelay } from "../backoff.ts";
import type { OverlapPolicy, Routine } from "./routine.ts";

/** What a run that is due does: begins; is left out; waits for the running one's end; or waits and has that one cancelled. */
export type Meeting = "run" | "skip" | "wait" | "cancel";

/** By what it meets. */
export interface OverlapRules {
  readonly free: Meeting;
  /** Another run of the routine is in progress. */
  readonly running: Meeting;
  /** And one more waits for its end. */
  readonly waiting: Meeting;
}

/** The rules of a routine, as its definition in the database holds them. */
export interface RoutineRules {
  readonly overlap: OverlapRules;
  /** How long it rests after the first, second … failure in a row, in seconds; the last holds for all further ones. */
  readonly restSeconds: readonly number[];
  /** With so many failures in a row it is switched off. */
  readonly maxFailures: number;
}

const REST = { firstMs: 60_000, maxMs: 6 * 3_600_000, jitter: 0 };
const LONGEST_REST_AFTER = 10;

/** What a due run does. At most one waits: a further one would only do the same again. */
export function overlapRules(policy: OverlapPolicy): OverlapRules {
  if (policy === "skip") return { free: "run", running: "skip", waiting: "skip" };
  return { free: "run", running: policy === "queue" ? "wait" : "cancel", waiting: "skip" };
}

/** How long a routine rests after each of its failures in a row: runs that are due meanwhile are left out. */
export function restSeconds(maxFailures: number): number[] {
  const length = Math.min(maxFailures, LONGEST_REST_AFTER);
  return Array.from({ length }, (_, index) => backoffDelay(index + 1, REST) / 1000);
}

/** All rules of a routine. */
export function rulesOf({ overlap, maxFailures }: Pick<Routine, "overlap" | "maxFailures">): RoutineRules {
  return { overlap: overlapRules(overlap), restSeconds: restSeconds(maxFailures), maxFailures };
}
