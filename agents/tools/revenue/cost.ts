/** What the models cost, and what they will have cost when the month is over. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import type { Database } from "../../../lib/database/database.ts";
import { numberSetting } from "../settings.ts";
import { projectedCost } from "./cost_projection.ts";
import { monthOf } from "./totals.ts";
import { monthBounds } from "./months.ts";

/** The limits where no other ones are configured, in US dollars a month. */
const CEILING_USD = 400;
const ALERT_USD = 350;
const DAY_MS = 86_400_000;

/** Costs in US dollars, counted in UTC. */
export interface AiCost {
  readonly month: string;
  readonly today_usd: number;
  readonly month_to_date_usd: number;
  /** At the present pace. */
  readonly projected_usd: number;
  readonly ceiling_usd: number;
  readonly alert_usd: number;
  /** The projection is above the alert. */
  readonly alert: boolean;
  readonly above_ceiling: boolean;
  readonly by_model: unknown;
  readonly by_agent: unknown;
}

interface CostRow {
  readonly total: string;
  readonly by_model: unknown;
  readonly by_agent: unknown;
}

/** Reads and projects the cost of the present month. */
export async function aiCost(database: Database, services: AgentServices, now: number): Promise<AiCost> {
  const month = monthOf(now);
  const { from, to } = monthBounds(month);
  const read = (start: number) =>
    database.call<CostRow>("actp_ai_cost", {
      p_from: new Date(start).toISOString(),
      p_to: new Date(to).toISOString(),
    });
  const [whole, today] = await Promise.all([read(from), read(Math.floor(now / DAY_MS) * DAY_MS)]);
  const spent = Number(whole.total);
  const projected = projectedCost(spent, now);
  const ceiling = numberSetting(services, "AGENT_MONTHLY_BUDGET_USD") ?? CEILING_USD;
  const alert = numberSetting(services, "AGENT_MONTHLY_ALERT_USD") ?? ALERT_USD;
  return {
    month,
    today_usd: rounded(Number(today.total)),
    month_to_date_usd: rounded(spent),
    projected_usd: rounded(projected),
    ceiling_usd: ceiling,
    alert_usd: alert,
    alert: projected > alert,
    above_ceiling: projected > ceiling,
    by_model: whole.by_model,
    by_agent: whole.by_agent,
  };
}

/** The tool `ai_cost`. */
export function aiCostTool(services: AgentServices, now: () => number = Date.now): AgentTool {
  return defineTool({
    name: "ai_cost",
    description:
      "Tells what the models cost today, this month (UTC) and at the present pace by its end, beside the alert and the " +
      "ceiling, by model and by agent, in US dollars.",
    input: z.strictObject({}),
    run: (_input, { database }) => aiCost(database, services, now()),
  });
}

function rounded(usd: number): number {
  return Math.round(usd * 10_000) / 10_000;
}
