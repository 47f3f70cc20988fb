/** Gaps, the weekly report and its snapshots. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { limit, PLATFORMS, text } from "../fields.ts";
import { goalGaps } from "./gaps.ts";
import { followersOn, type Kpis, measuresOf, readKpis } from "./kpis.ts";
import { localDay, mondayOf } from "./months.ts";
import { renderWeeklyReport } from "./report.ts";

/** The tools of looking back on a week. */
export function weeklyTools(services: AgentServices, now: () => number = Date.now): AgentTool[] {
  return [
    goalGapAnalysis(services, now),
    weeklyReport(services, now),
    saveWeeklySnapshot(services, now),
    listSnapshots(),
  ];
}

function goalGapAnalysis(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "goal_gap_analysis",
    description:
      "Compares all figures with their goals and lists the gaps, the worst first. A figure that is not known counts as " +
      "a gap of its own: find it out.",
    input: z.strictObject({ top: z.int().min(1).max(20).default(3) }),
    async run({ top }, { database }) {
      const measures = measuresOf(await readKpis(database, services, now()), services);
      const gaps = goalGaps(measures);
      return { goals: measures.length, gaps: gaps.length, top: gaps.slice(0, top) };
    },
  });
}

const comment = text(4_000).optional().describe(
  "your own words, put at the beginning: what stands out and why",
);

function weeklyReport(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "weekly_report",
    description:
      "Writes the weekly report in Markdown from the recorded figures. Read the services anew before. Send it with " +
      "send_weekly_report and keep it with save_weekly_snapshot.",
    input: z.strictObject({ comment }),
    async run({ comment }, { database }) {
      const { report } = await makeReport(services, database, now(), comment);
      return { report_md: report };
    },
  });
}

function saveWeeklySnapshot(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "save_weekly_snapshot",
    description: "Keeps this week's figures and report, one row a week; saved again, it is replaced.",
    input: z.strictObject({ comment }),
    async run({ comment }, { database }) {
      const { weekStart, kpis, report } = await makeReport(services, database, now(), comment);
      const saved = await database.call<object>("actp_save_weekly_snapshot", {
        p_week_start: weekStart,
        p_snapshot: snapshotOf(kpis, report),
      });
      return { week_start: weekStart, ...saved };
    },
  });
}

async function makeReport(
  services: AgentServices,
  database: Parameters<typeof readKpis>[0],
  now: number,
  comment: string | undefined,
): Promise<{ weekStart: string; kpis: Kpis; report: string }> {
  const kpis = await readKpis(database, services, now);
  const gaps = goalGaps(measuresOf(kpis, services));
  const weekStart = mondayOf(localDay(now));
  return { weekStart, kpis, report: renderWeeklyReport({ weekStart, kpis, gaps, comment }) };
}

function snapshotOf(kpis: Kpis, report: string): Record<string, unknown> {
  return {
    report_md: report,
    revenue_total: kpis.revenue.total,
    ...Object.fromEntries(
      PLATFORMS.map((platform) => [`follower_${platform}`, followersOn(kpis.followers, platform)]),
    ),
    avg_views_per_video: kpis.average_views,
    gate_pass_rate: kpis.gate_pass_rate,
    ai_cost_usd: kpis.cost.month_to_date_usd,
  };
}

function listSnapshots(): AgentTool {
  return defineTool({
    name: "weekly_snapshots",
    description: "Lists the figures of the last weeks, the newest first.",
    input: z.strictObject({ limit: limit(52, 8) }),
    run: ({ limit }, { database }) => database.call("actp_list_weekly_snapshots", { p_limit: limit }),
  });
}
