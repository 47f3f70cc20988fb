/** Guesses what a mistyped name was meant to be. Pure. */

/** The candidate that differs from `name` by the fewest letters, if it is near enough to have been meant. */
export function closest<T extends string>(name: string, candidates: readonly T[]): T | undefined {
  const plain = (text: string) => text.slice(0, 64).toLowerCase().replace(/[^a-z0-9]/g, "");
  const ranked = candidates.map((candidate) => ({ candidate, by: distance(plain(name), plain(candidate)) }));
  const best = ranked.sort((a, b) => a.by - b.by)[0];
  return best && best.by <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

/** How many letters must be inserted, removed or replaced to turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
