/** All figures that goals are set for, read together. */
import type { AgentServices } from "../../../lib/agent/agent.ts";
import type { Database } from "../../../lib/database/database.ts";
import { type GateStatistics, passRate } from "../content/performance.ts";
import { PLATFORMS } from "../fields.ts";
import { numberSetting } from "../settings.ts";
import { followerCounts } from "../social/followers.ts";
import type { FollowerCount } from "../social/growth.ts";
import { type AiCost, aiCost } from "./cost.ts";
import type { Measure } from "./gaps.ts";
import { monthOf, type RevenueTotals, revenueTotals } from "./totals.ts";

/** What is known now. */
export interface Kpis {
  readonly revenue: RevenueTotals;
  readonly cost: AiCost;
  readonly followers: readonly FollowerCount[];
  readonly average_views: number | null;
  readonly gate_pass_rate: number | null;
  readonly scripts_judged: number;
  /** Yesterday's, since today is not over. */
  readonly videos_yesterday: number;
  readonly top_niches: readonly { readonly niche: string; readonly own_average_views_24h: number | null }[];
}

/** Over how many days averages and paces are taken. */
export const WINDOW_DAYS = 7;
const VIEWS_DAYS = 30;

/** Reads all of them. */
export async function readKpis(database: Database, services: AgentServices, now: number): Promise<Kpis> {
  const [revenue, cost, followers, views, gate, volume, niches] = await Promise.all([
    revenueTotals(database, services, monthOf(now)),
    aiCost(database, services, now),
    followerCounts(database, WINDOW_DAYS),
    database.call<{ average_views: number | null }>("actp_post_views_of", {
      p_days: VIEWS_DAYS,
      p_limit: 1,
    }),
    database.call<GateStatistics>("actp_gate_statistics", { p_days: WINDOW_DAYS }),
    database.call<{ published: number }[]>("actp_daily_volume", { p_days: 2 }),
    database.call<Kpis["top_niches"]>("actp_top_niches", { p_days: VIEWS_DAYS, p_limit: 5 }),
  ]);
  return {
    revenue,
    cost,
    followers,
    average_views: views.average_views === null ? null : Number(views.average_views),
    gate_pass_rate: passRate(gate),
    scripts_judged: gate.scripts,
    videos_yesterday: volume[1]?.published ?? 0,
    top_niches: niches,
  };
}

/** The figures that have a goal. */
export function measuresOf(kpis: Kpis, services: AgentServices): Measure[] {
  const { revenue, cost } = kpis;
  const money = revenue.currency.toUpperCase();
  const goal = (setting: string) => numberSetting(services, setting);
  const measure = (
    name: string,
    actual: number | null,
    goal: number | null | undefined,
    unit: string,
  ): Measure[] =>
    goal === null || goal === undefined ? [] : [{ name, actual, goal, unit, direction: "at_least" }];
  return [
    ...measure("revenue this month", revenue.total, revenue.target, money),
    ...measure("revenue of all months", revenue.cumulative, revenue.cumulative_goal, money),
    ...PLATFORMS.flatMap((platform) =>
      measure(
        `followers on ${platform}`,
        followersOn(kpis.followers, platform),
        goal("FOLLOWER_GOAL"),
        "followers",
      )
    ),
    ...measure("views of an average video", kpis.average_views, goal("VIEWS_PER_VIDEO_GOAL"), "views"),
    ...measure("videos a day", kpis.videos_yesterday, goal("DAILY_VIDEO_GOAL"), "videos"),
    {
      name: "AI cost projected for the month",
      actual: cost.projected_usd,
      goal: cost.alert_usd,
      unit: "USD",
      direction: "at_most",
    },
  ];
}

/** The followers of all accounts on a platform; null where none was counted. */
export function followersOn(counts: readonly FollowerCount[], platform: string): number | null {
  const here = counts.filter((count) => count.platform === platform);
  return here.length === 0 ? null : here.reduce((sum, { followers }) => sum + Number(followers), 0);
}
