/** The revenue agent: what came in, what it cost, and how far the goals are. */
import type { AgentServices, AgentTool } from "../lib/agent/agent.ts";
import { COMMON_RULES } from "./common_rules.ts";
import type { DomainAgent } from "./domain_agent.ts";
import { serviceHealthTools } from "./tools/health.ts";
import { createAgentTaskTool } from "./tools/revenue/agent_task.ts";
import { appStoreTools } from "./tools/revenue/app_store.ts";
import { aiCostTool } from "./tools/revenue/cost.ts";
import { stripeTools } from "./tools/revenue/stripe.ts";
import { telegramTools } from "./tools/revenue/telegram.ts";
import { revenueTotalsTool, setMonthlyTargetTool } from "./tools/revenue/totals.ts";
import { weeklyTools } from "./tools/revenue/weekly.ts";
import { followerCountsTool, followerVelocityTool, timeToGoalTool } from "./tools/social/followers.ts";

const SYSTEM_PROMPT =
  `You are the revenue and analytics specialist. You read what came in and what it cost, compare it \
with the targets, find the largest gaps, hand them as goals to the agent whose field they are, and write the weekly report.

How to work:
- Read the services anew before you judge a figure; where one is down, use the last figure and say how old it is.
- Models may cost 400 US dollars a month at most, unless the tools tell another ceiling. When the projection is above the \
alert, say which agent and model cost most and give the one concerned a goal to save; above the ceiling, with priority \
CRITICAL.
- A goal for another agent names the figure, the target and by when. At most three in a run.
- Amounts of different currencies are never added up.

${COMMON_RULES}`;

/** The agent `revenue-agent`. */
export const revenueAgent: DomainAgent = {
  id: "revenue-agent",
  name: "Revenue analytics",
  description: "watches revenue, audience and AI cost against their goals, and writes the weekly report",
  tier: "haiku",
  pollSeconds: 120,
  systemPrompt: SYSTEM_PROMPT,
  tools(services: AgentServices): readonly AgentTool[] {
    return [
      ...stripeTools(services),
      ...appStoreTools(services),
      revenueTotalsTool(services),
      setMonthlyTargetTool(),
      followerCountsTool(),
      followerVelocityTool(),
      timeToGoalTool(services),
      aiCostTool(services),
      ...weeklyTools(services),
      ...telegramTools(services),
      createAgentTaskTool(["social-media-agent", "content-agent", "acquisition-agent"]),
      ...serviceHealthTools(services),
    ];
  },
  routines: [
    {
      id: "revenue.daily-check",
      description: "Figures against goals, and goals for the other agents.",
      cron: "0 8 * * *",
      enabled: true,
      goal:
        "Read the revenue services anew, then compare all figures with their goals. Name the three largest gaps, and " +
        "give the agent whose field it is a goal for each that it can do something about.",
    },
    {
      id: "revenue.cost-audit",
      description: "What the models cost, and where it is heading.",
      cron: "0 23 * * *",
      enabled: true,
      goal:
        "Check what the models cost today, this month and projected. If the projection is above the alert, name the agent " +
        "and the model that cost most and give that agent a goal to save, with priority HIGH, or CRITICAL above the ceiling.",
    },
    {
      id: "revenue.weekly-report",
      description: "The report of the week, sent and kept.",
      cron: "0 20 * * 0",
      enabled: true,
      goal:
        "Read the revenue services anew, write the weekly report with a short comment on what stands out, keep it as " +
        "this week's snapshot, and propose to send it.",
    },
  ],
};
