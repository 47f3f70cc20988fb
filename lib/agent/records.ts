/** The record of one run in the database: its row, its tool calls, its model calls with their budgets. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { withoutSecrets } from "../log/redaction.ts";
import type { CallLeave, EndedCall, RunLedger } from "./loop/ledger.ts";
import { type RunOutcome, runStatus } from "./loop/outcome.ts";
import type { Budgets } from "./settings.ts";
import { steadily } from "./steady.ts";
import { storableJson, storableText } from "./storable.ts";

/** What is known of a run when it begins. */
export interface NewRun {
  readonly agentId: string;
  readonly goal: string;
  readonly taskId?: string;
  readonly holder: string;
  readonly workerId: string;
  readonly model: string;
}

/** How a run's money is watched. */
export interface RecordOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly budgets: Budgets;
  /** Never written down. */
  readonly secrets?: readonly string[];
  /** What all agents have spent this month, in US dollars, whenever that is looked at. */
  readonly onMonthCost?: (usd: number) => void;
}

/** A run's record. */
export interface RunRecord extends RunLedger {
  readonly runId: string;
  end(outcome: RunOutcome, durationMs: number): Promise<void>;
}

interface BudgetAnswer {
  readonly allowed: boolean;
  readonly call_id: string | null;
  readonly budget: "run" | "day" | "month" | null;
  readonly limit_usd: number | null;
  readonly spent_usd: number | null;
  readonly left_usd: number | null;
  readonly month_usd: number;
}

const CALL_MS = 15_000;

/** Begins the record of a run. @throws DatabaseError */
export async function beginRun(run: NewRun, options: RecordOptions): Promise<RunRecord> {
  const { database, clock, budgets } = options;
  const clean = withoutSecrets(options.secrets ?? []);
  const call = <T>(fn: string, args: Record<string, unknown>) =>
    steadily(clock, undefined, () => database.call<T>(fn, clean(args), { timeoutMs: CALL_MS }));
  const { id: runId } = await call<{ id: string }>("actp_begin_agent_run", {
    p_run: {
      agent_id: run.agentId,
      goal: storableText(run.goal),
      task_id: run.taskId,
      holder: run.holder,
      worker_id: run.workerId,
      model: run.model,
    },
  });
  return {
    runId,
    async beginModelCall(model, estimateUsd) {
      const answer = await call<BudgetAnswer>("actp_begin_model_call", {
        p_call: { run_id: runId, agent_id: run.agentId, model, estimate_usd: estimateUsd },
        p_limits: { run_usd: budgets.runUsd, day_usd: budgets.dayUsd, month_usd: budgets.monthUsd },
      });
      options.onMonthCost?.(answer.month_usd);
      return leaveOf(answer);
    },
    async endModelCall(ended) {
      await call("actp_end_model_call", { p_call_id: ended.callId, p_end: modelCallRow(ended) });
    },
    async toolCall({ tool, input, result, failed, durationMs }) {
      await call("actp_log_tool_call", {
        p_call: {
          run_id: runId,
          agent_id: run.agentId,
          tool_name: tool.slice(0, 200),
          tool_input: storableJson(input),
          tool_result: storableText(result),
          success: !failed,
          duration_ms: durationMs,
        },
      });
    },
    async end(outcome, durationMs) {
      await call("actp_end_agent_run", {
        p_run_id: runId,
        p_end: {
          status: runStatus(outcome.stop),
          stop_reason: outcome.stop,
          outcome: storableText(outcome.text),
          error: outcome.error && storableText(outcome.error),
          iterations: outcome.iterations,
          tools_used: outcome.toolsUsed,
          duration_ms: durationMs,
        },
      });
    },
  };
}

/** What one agent has spent today, and all this month, in US dollars. */
export function readSpending(
  database: Database,
  agentId: string,
  signal?: AbortSignal,
): Promise<{ day_usd: number; month_usd: number }> {
  return database.call("actp_agent_spending", { p_agent_id: agentId }, { signal, timeoutMs: CALL_MS });
}

/** Which budget leaves nothing, in words; undefined while all leave something. Pure. */
export function spentBudget(
  { dayUsd, monthUsd }: Budgets,
  spent: { readonly day_usd: number; readonly month_usd: number },
): string | undefined {
  if (monthUsd !== undefined && spent.month_usd >= monthUsd) {
    return budgetWords("month", monthUsd, spent.month_usd);
  }
  if (dayUsd !== undefined && spent.day_usd >= dayUsd) return budgetWords("day", dayUsd, spent.day_usd);
  return undefined;
}

function leaveOf({ allowed, call_id, budget, limit_usd, spent_usd, left_usd }: BudgetAnswer): CallLeave {
  if (allowed && call_id) return { allowed, callId: call_id, leftUsd: left_usd ?? undefined };
  return {
    allowed: false,
    why: `${
      budgetWords(budget ?? "run", limit_usd ?? 0, spent_usd ?? 0)
    }, the next call would cost more than is left`,
  };
}

const SETTINGS = {
  run: "AGENT_RUN_BUDGET_USD",
  day: "AGENT_DAILY_BUDGET_USD",
  month: "AGENT_MONTHLY_BUDGET_USD",
};

function budgetWords(budget: "run" | "day" | "month", limit: number, spent: number): string {
  const of = { run: "this run", day: "this agent and day", month: "all agents this month" }[budget];
  return `the budget of ${of} is used up: ${usd(spent)} of ${usd(limit)} (${SETTINGS[budget]})`;
}

/** An amount for people: `$1.50`, `$0.0042`. */
export function usd(amount: number): string {
  return `$${amount >= 1 || amount === 0 ? amount.toFixed(2) : amount.toPrecision(2)}`;
}

function modelCallRow({ status, use, costUsd, model, stopReason, error, durationMs }: EndedCall) {
  return {
    status,
    input_tokens: use.input,
    output_tokens: use.output,
    cache_read_tokens: use.cacheRead,
    cache_write_tokens: use.cacheWrite,
    cost_usd: costUsd,
    model,
    stop_reason: stopReason,
    error: error && storableText(error),
    duration_ms: durationMs,
  };
}
