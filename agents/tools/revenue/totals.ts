/** What a month brought beside its target, and all months together. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import type { Database } from "../../../lib/database/database.ts";
import { month } from "../fields.ts";
import { numberSetting } from "../settings.ts";
import { addAmounts, type Amounts, roundMoney } from "./money.ts";

/** What the database knows of a month's revenue; money as decimal text. */
export interface RevenueFigures {
  readonly month: string;
  readonly target: string | null;
  readonly deals: readonly { readonly type: string; readonly value: string }[];
  readonly readings: readonly Reading[];
  readonly pipeline: string;
  readonly all_deals: string;
  readonly all_readings: readonly Omit<Reading, "read_at">[];
}

interface Reading {
  readonly stream: string;
  readonly currency: string;
  readonly amount: string;
  readonly read_at: string;
}

/** A month's revenue. */
export interface RevenueTotals {
  readonly month: string;
  /** What the targets and the deals are in. */
  readonly currency: string;
  readonly streams: Readonly<Record<string, number>>;
  readonly total: number;
  readonly target: number | null;
  /** Missing to the target; 0 when it is reached. */
  readonly gap: number | null;
  readonly percent_of_target: number | null;
  /** What may still come of the prospects close to a deal. */
  readonly pipeline: number;
  readonly cumulative: number;
  readonly cumulative_goal: number | null;
  /** What came in other currencies, which is not in the totals. */
  readonly other_currencies: Amounts;
  /** When each service was read last; a stream that is missing was never read for this month. */
  readonly read_at: Readonly<Record<string, string>>;
}

/** Adds up what is in `currency`; the rest is told apart. */
export function sumRevenue(
  figures: RevenueFigures,
  currency: string,
  cumulativeGoal?: number,
): RevenueTotals {
  const own = (reading: Pick<Reading, "currency">) =>
    reading.currency.toLowerCase() === currency.toLowerCase();
  const streams: Record<string, number> = {};
  for (const { stream, amount } of figures.readings.filter(own)) streams[stream] = roundMoney(Number(amount));
  for (const { type, value } of figures.deals) {
    streams[type] = roundMoney((streams[type] ?? 0) + Number(value));
  }
  const total = roundMoney(Object.values(streams).reduce((sum, amount) => sum + amount, 0));
  const target = figures.target === null ? null : Number(figures.target);
  const cumulative = figures.all_readings.filter(own).reduce((sum, { amount }) => sum + Number(amount), 0) +
    Number(figures.all_deals);
  return {
    month: figures.month,
    currency: currency.toLowerCase(),
    streams,
    total,
    target,
    gap: target === null ? null : roundMoney(Math.max(0, target - total)),
    percent_of_target: target === null || target === 0 ? null : Math.round(total / target * 1_000) / 10,
    pipeline: roundMoney(Number(figures.pipeline)),
    cumulative: roundMoney(cumulative),
    cumulative_goal: cumulativeGoal ?? null,
    other_currencies: addAmounts(
      ...figures.readings.filter((reading) => !own(reading)).map((reading) => ({
        [reading.currency]: Number(reading.amount),
      })),
    ),
    read_at: Object.fromEntries(figures.readings.map(({ stream, read_at }) => [stream, read_at])),
  };
}

/** Reads and adds up a month. */
export async function revenueTotals(
  database: Database,
  services: AgentServices,
  ofMonth: string,
): Promise<RevenueTotals> {
  const figures = await database.call<RevenueFigures>("actp_revenue_figures", { p_month: ofMonth });
  return sumRevenue(figures, revenueCurrency(services), numberSetting(services, "REVENUE_CUMULATIVE_GOAL"));
}

/** The currency of targets and deals. */
export function revenueCurrency(services: AgentServices): string {
  return services.setting("REVENUE_CURRENCY") ?? "usd";
}

/** The present month in UTC, YYYY-MM. */
export function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}

/** The tool `revenue_totals`. */
export function revenueTotalsTool(services: AgentServices, now: () => number = Date.now): AgentTool {
  return defineTool({
    name: "revenue_totals",
    description:
      "Adds up a month's revenue by stream (the services as last read, and the deals that were won) beside its target, " +
      "and all months together. read_at tells how old each service's figure is: read it anew where it is stale.",
    input: z.strictObject({ month: month.optional().describe("the present one unless told") }),
    async run({ month }, { database }) {
      const totals = await revenueTotals(database, services, month ?? monthOf(now()));
      await database.call("actp_note_revenue", {
        p_month: totals.month,
        p_closed: totals.total,
        p_pipeline: totals.pipeline,
      });
      return totals;
    },
  });
}

/** The tool `monthly_targets`. */
export function monthlyTargetsTool(services: AgentServices, now: () => number = Date.now): AgentTool {
  return defineTool({
    name: "monthly_targets",
    description:
      "Tells a month's revenue target, what has been closed, what is missing and what the pipeline holds.",
    input: z.strictObject({ month: month.optional().describe("the present one unless told") }),
    async run({ month }, { database }) {
      const { currency, target, total, gap, percent_of_target, pipeline, ...totals } = await revenueTotals(
        database,
        services,
        month ?? monthOf(now()),
      );
      return { month: totals.month, currency, target, closed: total, gap, percent_of_target, pipeline };
    },
  });
}

/** The tool `set_monthly_target`. */
export function setMonthlyTargetTool(): AgentTool {
  return defineTool({
    name: "set_monthly_target",
    description: "Sets a month's revenue target. Only when the goal that you were given says so.",
    input: z.strictObject({ month, target: z.number().min(0).max(1_000_000_000) }),
    run: ({ month, target }, { database }) =>
      database.call("actp_set_revenue_goal", { p_month: month, p_target: target }),
  });
}
