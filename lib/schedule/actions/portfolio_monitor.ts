/** `portfolio-monitor`: tells of tasks and disputes that need attention, and when they no longer do. */
import { z } from "zod";
import { defineAction } from "./action.ts";
import { type Portfolio, portfolioChanges, type Told } from "./portfolio_changes.ts";

const LOOK_MS = 30_000;
const MAX_LINES = 30;
const HOUR_MS = 3_600_000;

/** The action. */
export const portfolioMonitor = defineAction({
  name: "portfolio-monitor",
  description: "tells of deadlines, silent workers, stuck and dead tasks, and open disputes",
  defaultCron: "0 * * * *",
  options: z.strictObject({
    /** How long before a deadline, or the end of a dispute's votes, it is told. */
    deadlineHours: z.number().min(0.1).max(720).default(2),
    /** How long tasks may be due before somebody takes them. */
    waitingMinutes: z.number().min(1).max(43_200).default(30),
    /** How far it looks back for tasks that failed for good. */
    deadHours: z.number().min(1).max(720).default(24),
  }),
  async run({ deadlineHours, waitingMinutes, deadHours }, { database, session, signal }) {
    const thresholds = {
      deadlineMs: deadlineHours * HOUR_MS,
      waitingMs: waitingMinutes * 60_000,
      deadMs: deadHours * HOUR_MS,
    };
    const portfolio = await database.call<Portfolio>("actp_portfolio", {
      p_deadline_seconds: Math.round(thresholds.deadlineMs / 1000),
      p_waiting_seconds: Math.round(thresholds.waitingMs / 1000),
      p_dead_seconds: Math.round(thresholds.deadMs / 1000),
    }, { signal, timeoutMs: LOOK_MS });
    const known = (session.state.told ?? {}) as Readonly<Record<string, Told>>;
    const { lines, severity, fresh, resolved, told } = portfolioChanges(portfolio, known, thresholds);
    const state = { told };
    if (lines.length === 0) return { notify: false, state };
    const shown = lines.slice(0, MAX_LINES);
    const rest = lines.length - shown.length;
    return {
      notify: true,
      severity,
      title: lines.length === 1 ? lines[0]! : titleOf(fresh, resolved),
      message: [...shown, ...rest > 0 ? [`and ${rest} more`] : []].join("\n"),
      data: { fresh, resolved, lines: shown },
      state,
    };
  },
});

function titleOf(fresh: number, resolved: number): string {
  const parts = [
    ...fresh > 0 ? [`${fresh} alert${fresh === 1 ? "" : "s"}`] : [],
    ...resolved > 0 ? [`${resolved} resolved`] : [],
  ];
  return `Portfolio: ${parts.join(", ")}`;
}
