/** How well a prospect fits: a rubric over what is known of them. Pure. */

/** What is known of a prospect. */
export interface ProspectFacts {
  readonly niche: string | null;
  readonly followers: number | null;
  /** In percent. */
  readonly engagement_rate: number | null;
  readonly platforms: readonly string[];
  readonly sells: boolean | null;
}

/** The score of 0 to 100, from those parts that are known. */
export interface ProspectScore {
  readonly score: number;
  /** Each part 0 to 100; null where nothing is known. */
  readonly parts: Readonly<Record<Part, number | null>>;
  /** How much of the rubric is known, 0 to 1: a score from little is worth little. */
  readonly known: number;
}

type Part = keyof typeof WEIGHTS;

/** How much each part counts; together 100. */
const WEIGHTS = { audience: 30, niche: 20, engagement: 20, offer: 20, presence: 10 };

/** Reads the rubric; `niches` are those that are sought, in any case. */
export function scoreProspect(facts: ProspectFacts, niches: readonly string[]): ProspectScore {
  const parts: Record<Part, number | null> = {
    audience: facts.followers === null ? null : audience(facts.followers),
    niche: facts.niche === null || niches.length === 0 ? null : fits(facts.niche, niches) ? 100 : 20,
    engagement: facts.engagement_rate === null ? null : engagement(facts.engagement_rate),
    offer: facts.sells === null ? null : facts.sells ? 100 : 20,
    presence: facts.platforms.length === 0 ? null : presence(new Set(facts.platforms).size),
  };
  let weight = 0;
  let sum = 0;
  for (const [part, points] of Object.entries(parts)) {
    if (points === null) continue;
    weight += WEIGHTS[part as Part];
    sum += WEIGHTS[part as Part] * points;
  }
  return { score: weight === 0 ? 0 : Math.round(sum / weight), parts, known: weight / 100 };
}

/** Best from 10,000 to 500,000 followers: enough to need help, not so many that there is a team. */
function audience(followers: number): number {
  if (followers < 1_000) return 10;
  if (followers < 10_000) return Math.round(20 + 60 * Math.log10(followers / 1_000));
  if (followers <= 500_000) {
    return Math.round(80 + 20 * Math.min(1, Math.log10(followers / 10_000)));
  }
  return followers <= 5_000_000 ? 60 : 30;
}

/** Above 3 percent is a strong sign. */
function engagement(percent: number): number {
  return percent >= 3 ? 100 : Math.round(Math.max(0, percent) / 3 * 80);
}

function presence(platforms: number): number {
  return platforms >= 3 ? 100 : platforms === 2 ? 60 : 30;
}

function fits(niche: string, niches: readonly string[]): boolean {
  const words = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  return niches.some((one) => words(niche).includes(words(one)));
}
