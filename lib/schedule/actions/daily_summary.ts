/** `daily-summary`: what was done in the last day. Always sent. */
import { z } from "zod";
import { defineAction } from "./action.ts";
import { spanText } from "./span.ts";

interface Amount {
  readonly currency: string | null;
  readonly amount: string;
  readonly tasks: number;
}

/** What `actp_activity_summary` answers. */
export interface Activity {
  readonly hours: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  readonly busy_seconds: number;
  readonly earnings: readonly Amount[];
  /** Under an open dispute. */
  readonly disputed: readonly Amount[];
  /** Null where no costs are logged. */
  readonly ai_cost_usd: string | null;
  readonly top_errors: readonly {
    readonly task_type: string;
    readonly error: string;
    readonly count: number;
  }[];
}

/** It reads the whole table of tasks. */
const SUMMARY_MS = 120_000;

/** The action. */
export const dailySummary = defineAction({
  name: "daily-summary",
  description: "tells what was done, earned and spent in the last 24 hours",
  defaultCron: "0 9 * * *",
  options: z.strictObject({
    /** How far it looks back. */
    hours: z.int().min(1).max(744).default(24),
  }),
  async run({ hours }, { database, signal }) {
    const activity = await database.call<Activity>("actp_activity_summary", { p_hours: hours }, {
      signal,
      timeoutMs: SUMMARY_MS,
    });
    return {
      notify: true,
      severity: "info",
      title: summaryTitle(activity),
      message: summaryMessage(activity),
      data: { ...activity },
    };
  },
});

/** `Daily summary: 12 tasks completed, 3.50 USD earned` */
export function summaryTitle({ hours, done, earnings }: Activity): string {
  const earned = earnings.length > 0 ? `, ${amounts(earnings)} earned` : "";
  const name = hours === 24 ? "Daily summary" : `Summary of ${spanText(hours * 3_600_000)}`;
  return `${name}: ${done} task${done === 1 ? "" : "s"} completed${earned}`;
}

/** The rest of it, a line for each. */
export function summaryMessage(activity: Activity): string {
  const { done, failed, cancelled, retried, busy_seconds, earnings, disputed, ai_cost_usd, top_errors } =
    activity;
  return [
    `Done: ${done}, failed: ${failed}, cancelled: ${cancelled}, tried again: ${retried}`,
    `Working time: ${spanText(busy_seconds * 1000)}`,
    `Earned: ${earnings.length > 0 ? amounts(earnings) : "nothing"}`,
    ...disputed.length > 0 ? [`Under dispute: ${amounts(disputed)}`] : [],
    ...ai_cost_usd === null ? [] : [`AI cost: ${Number(ai_cost_usd).toFixed(2)} USD`],
    ...top_errors.length === 0 ? [] : [
      "Most frequent errors:",
      ...top_errors.map(({ task_type, error, count }) =>
        `  ${count}× ${task_type}: ${error.replace(/\s+/g, " ")}`
      ),
    ],
  ].join("\n");
}

function amounts(list: readonly Amount[]): string {
  return list.map(({ amount, currency }) => currency ? `${amount} ${currency}` : amount).join(" + ");
}
