/** How a post did, by its views in the first 24 hours. Pure. */

/** From the best to the worst. */
export const CLASSIFICATIONS = ["viral", "strong", "average", "weak", "flop"] as const;

/** One of them. */
export type Classification = typeof CLASSIFICATIONS[number];

/** viral above 100,000 views, strong above 10,000, average above 1,000, weak above 100, else flop. */
export function classify(views24h: number): Classification {
  if (views24h > 100_000) return "viral";
  if (views24h > 10_000) return "strong";
  if (views24h > 1_000) return "average";
  return views24h > 100 ? "weak" : "flop";
}
