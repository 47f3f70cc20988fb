/** The weekly report in Markdown. Pure. */
import { PLATFORMS } from "../fields.ts";
import { followersPerDay } from "../social/growth.ts";
import type { Gap } from "./gaps.ts";
import { followersOn, type Kpis } from "./kpis.ts";

const NAMES: Record<typeof PLATFORMS[number], string> = {
  tiktok: "TikTok",
  instagram: "Instagram",
  youtube: "YouTube",
  twitter: "Twitter",
  threads: "Threads",
};

/** Everything that the report tells. */
export interface ReportData {
  /** The Monday, YYYY-MM-DD. */
  readonly weekStart: string;
  readonly kpis: Kpis;
  readonly gaps: readonly Gap[];
  /** The agent's own words, if any. */
  readonly comment?: string;
}

/** Writes it; what is not known is said to be so, never made up. */
export function renderWeeklyReport({ weekStart, kpis, gaps, comment }: ReportData): string {
  return [
    `# Weekly report, week of ${weekStart}`,
    ...comment ? [comment] : [],
    "## Revenue",
    revenueSection(kpis),
    "## Audience",
    ...PLATFORMS.map((platform) => `### ${NAMES[platform]}\n\n${audienceLine(kpis, platform)}`),
    "## Content",
    contentSection(kpis),
    "## AI cost",
    costSection(kpis),
    "## Gaps to the goals",
    gaps.length === 0 ? "All goals that are set are reached." : gaps.map(gapLine).join("\n"),
  ].join("\n\n") + "\n";
}

function revenueSection({ revenue }: Kpis): string {
  const money = (amount: number) => `${figure(amount)} ${revenue.currency.toUpperCase()}`;
  const target = revenue.target === null
    ? "no target is set"
    : `${money(revenue.target)} is the target (${figure(revenue.percent_of_target ?? 0)} %, ${
      money(revenue.gap ?? 0)
    } missing)`;
  return [
    `- ${revenue.month}: ${money(revenue.total)}; ${target}`,
    ...Object.entries(revenue.streams).map(([stream, amount]) =>
      `  - ${stream}: ${money(amount)}${
        revenue.read_at[stream] ? `, read ${revenue.read_at[stream]!.slice(0, 10)}` : ""
      }`
    ),
    ...Object.entries(revenue.other_currencies).map(([currency, amount]) =>
      `  - not counted, in another currency: ${figure(amount)} ${currency.toUpperCase()}`
    ),
    `- All months: ${money(revenue.cumulative)}${
      revenue.cumulative_goal === null ? "" : ` of ${money(revenue.cumulative_goal)}`
    }`,
    `- Pipeline: ${money(revenue.pipeline)}`,
  ].join("\n");
}

function audienceLine(kpis: Kpis, platform: string): string {
  const total = followersOn(kpis.followers, platform);
  if (total === null) return "Followers: not recorded";
  const paces = kpis.followers.filter((count) => count.platform === platform).map(followersPerDay);
  const known = paces.filter((pace) => pace !== null);
  const pace = known.length === 0
    ? "pace not known"
    : `${signed(known.reduce((sum, one) => sum + one, 0))} a day`;
  return `Followers: ${figure(total)} (${pace})`;
}

function contentSection(kpis: Kpis): string {
  const niches = kpis.top_niches.map(({ niche }) => niche);
  const gate = kpis.gate_pass_rate === null
    ? "no script was judged"
    : `${figure(kpis.gate_pass_rate * 100)} % of ${kpis.scripts_judged} scripts`;
  return [
    `- Views of an average video: ${
      kpis.average_views === null ? "not recorded" : figure(kpis.average_views)
    }`,
    `- Passed the gate: ${gate}`,
    `- Top niches: ${niches.length === 0 ? "not known" : niches.join(", ")}`,
  ].join("\n");
}

function costSection({ cost }: Kpis): string {
  const warning = cost.above_ceiling ? " **above the ceiling**" : cost.alert ? " **above the alert**" : "";
  return `- ${cost.month} so far: ${figure(cost.month_to_date_usd)} USD; projected ${
    figure(cost.projected_usd)
  } USD of at most ${figure(cost.ceiling_usd)} USD${warning}`;
}

function gapLine({ name, actual, goal, unit, direction, severity }: Gap): string {
  const is = actual === null ? "not known" : figure(actual);
  return `- ${name}: ${is}, ${direction === "at_least" ? "goal" : "limit"} ${figure(goal)} ${unit} (${
    figure(severity * 100)
  } % off)`;
}

function figure(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function signed(value: number): string {
  return `${value >= 0 ? "+" : "−"}${Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: 1 })}`;
}
