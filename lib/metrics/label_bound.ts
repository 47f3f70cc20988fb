/** Keeps the number of a label's values bounded, so that no input can fill the memory with series. */

/** What stands for every value beyond the bound. */
export const OTHER = "other";

/** Lets the first `max` values through; the rest become {@link OTHER}. */
export function labelBound(max: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= max) return OTHER;
    known.add(value);
    return value;
  };
}
