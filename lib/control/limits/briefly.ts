/** Figures that cost something and may be a little old. */
import type { Clock } from "../../clock.ts";

/**
 * Asks `read` at most once in `ms` for each argument: whoever comes meanwhile gets the same answer, also while it is
 * still on its way. An error is told to those who wait for it and not kept.
 */
export function briefly<Argument extends string, Answer>(
  clock: Clock,
  ms: number,
  read: (argument: Argument) => Promise<Answer>,
): (argument: Argument) => Promise<Answer> {
  const known = new Map<Argument, { readonly at: number; readonly answer: Promise<Answer> }>();
  return (argument) => {
    const before = known.get(argument);
    if (before && clock.monotonic() - before.at < ms) return before.answer;
    const answer = read(argument);
    known.set(argument, { at: clock.monotonic(), answer });
    answer.catch(() => known.delete(argument)); // whoever asked hears of it
    return answer;
  };
}
