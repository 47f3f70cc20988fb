/** What needs a person now, put together from everything that is known. Pure. */
import type { OverallReason } from "../health/overall.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import type { Spending } from "./routes/agent_costs.ts";

/** One thing that needs a person. The id stays the same for as long as it does. */
export interface Alert {
  readonly id: string;
  /** ISO 8601 */
  readonly at: string;
  readonly severity: "critical" | "warning" | "info";
  /** For programs: a reason's code, dead_tasks, agent_over_budget, budget_spent, routine_off, notifications_failed or approvals_open. */
  readonly kind: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What `actp_attention` tells. */
export interface Attention {
  readonly tasks: { readonly count: number; readonly newest: readonly { readonly at: string }[] };
  readonly notifications: { readonly count: number; readonly newest: readonly { readonly at: string }[] };
  readonly routines: readonly { readonly id: string; readonly reason: string | null; readonly at: string }[];
  readonly approvals: { readonly count: number; readonly oldest_at: string | null };
}

/** What alerts are made of. */
export interface AlertSources {
  readonly reasons: readonly OverallReason[];
  /** Undefined while the database is away. */
  readonly attention?: Attention;
  readonly agents: readonly Pick<AgentStatus, "agent_id">[];
  readonly spending: Spending;
  /** Since when each reason has been there, by its alert's id; ISO 8601. */
  readonly since: (id: string) => string;
}

/** A count that stops there is told as more. */
const MOST_COUNTED = 100;

/** The worst first, and the newest first among equals. */
export function alertsOf({ reasons, attention, agents, spending, since }: AlertSources): Alert[] {
  const alerts: Alert[] = reasons.map((reason) => {
    const id = reasonId(reason);
    return {
      id,
      at: since(id),
      severity: reason.severity === "critical" ? "critical" : "warning",
      kind: reason.code,
      message: reason.message,
      details: reason.fix ? { fix: reason.fix } : {},
    };
  });
  alerts.push(...overspent(agents, spending, since));
  if (attention) alerts.push(...attentionAlerts(attention));
  const rank = { critical: 0, warning: 1, info: 2 };
  return alerts.toSorted((a, b) =>
    rank[a.severity] - rank[b.severity] || Date.parse(b.at) - Date.parse(a.at)
  );
}

/** The alert's id of a reason. */
export function reasonId({ code, subject }: OverallReason): string {
  return subject ? `${code}:${subject}` : code;
}

function attentionAlerts({ tasks, notifications, routines, approvals }: Attention): Alert[] {
  const alerts: Alert[] = routines.map(({ id, reason, at }) => ({
    id: `routine_off:${id}`,
    at,
    severity: "warning",
    kind: "routine_off",
    message: `the routine ${id} is switched off: ${reason ?? "it failed too often"}`,
    details: { routine_id: id, fix: `Switch it on again with \`actp-worker schedule enable ${id}\`.` },
  }));
  if (tasks.count > 0) {
    alerts.push({
      id: "dead_tasks",
      at: tasks.newest[0]!.at,
      severity: "warning",
      kind: "dead_tasks",
      message: `${many(tasks.count, "task has", "tasks have")} failed for good within a day`,
      details: { count: tasks.count, newest: tasks.newest, fix: "See why, and retry what should be done." },
    });
  }
  if (notifications.count > 0) {
    alerts.push({
      id: "notifications_failed",
      at: notifications.newest[0]!.at,
      severity: "warning",
      kind: "notifications_failed",
      message: `${many(notifications.count, "notification", "notifications")} could not be sent within a day`,
      details: { count: notifications.count, newest: notifications.newest },
    });
  }
  if (approvals.count > 0) {
    alerts.push({
      id: "approvals_open",
      at: approvals.oldest_at!,
      severity: "info",
      kind: "approvals_open",
      message: `${many(approvals.count, "act waits", "acts wait")} for a person's word`,
      details: { count: approvals.count },
    });
  }
  return alerts;
}

function overspent(
  agents: AlertSources["agents"],
  spending: Spending,
  since: AlertSources["since"],
): Alert[] {
  const alerts: Alert[] = [];
  const usd = (amount: number) => `$${amount.toFixed(2)}`;
  const budget = agents[0] && spending.of(agents[0].agent_id).budget_month_usd;
  if (budget != null && spending.monthUsd !== null && spending.monthUsd >= budget) {
    alerts.push({
      id: "budget_spent",
      at: since("budget_spent"),
      severity: "warning",
      kind: "budget_spent",
      message: `the agents have spent ${usd(spending.monthUsd)} of ${
        usd(budget)
      } this month: they call no model`,
      details: {
        spent_usd: spending.monthUsd,
        budget_usd: budget,
        fix: "Raise AGENT_MONTHLY_BUDGET_USD, or wait.",
      },
    });
  }
  for (const { agent_id } of agents) {
    const { cost_today_usd: spent, budget_day_usd: day } = spending.of(agent_id);
    if (spent === null || day === null || spent < day) continue;
    const id = `agent_over_budget:${agent_id}`;
    alerts.push({
      id,
      at: since(id),
      severity: "warning",
      kind: "agent_over_budget",
      message: `${agent_id} has spent ${usd(spent)} of ${usd(day)} today: it calls no model`,
      details: { agent_id, spent_usd: spent, budget_usd: day, fix: "Raise AGENT_DAILY_BUDGET_USD, or wait." },
    });
  }
  return alerts;
}

function many(count: number, one: string, more: string): string {
  return count === 1 ? `1 ${one}` : `${count}${count >= MOST_COUNTED ? " or more" : ""} ${more}`;
}
