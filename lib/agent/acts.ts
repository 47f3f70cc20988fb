/**
 * Outward acts of one agent: proposed by a tool call, agreed to by a person or a rule, done once, and remembered. The
 * rules are in the database (`actp_outward_acts`), where all agents and workers share them.
 */
import type { Logger } from "@logtape/logtape";
import { type Clock, within } from "../clock.ts";
import type { ApprovalRule } from "../config/agent_rules.ts";
import type { Database } from "../database/database.ts";
import { withoutSecrets } from "../log/redaction.ts";
import { actDigest } from "../outward/digest.ts";
import { type OutwardAct, TaskError } from "../task/task.ts";
import { ruleFor } from "./approval_rules.ts";
import { failureText, type LoopTool, resultText, type ToolOutcome } from "./loop/tools.ts";
import { steadily } from "./steady.ts";
import { exactJson, storableText } from "./storable.ts";

/** What the acts of one agent's process share. */
export interface ActOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly agentId: string;
  /** Names this process. */
  readonly holder: string;
  readonly rules: readonly ApprovalRule[];
  /** How long a proposal waits, in ms. */
  readonly expiresMs: number;
  /** Never written down. */
  readonly secrets?: readonly string[];
  readonly log: Logger;
}

/** An act as the database tells of it. */
export interface ActRow {
  readonly id: string;
  /** The run that proposed it. */
  readonly task_id: string;
  readonly tool_name: string;
  readonly tool_input: unknown;
  readonly summary: string;
  readonly status: string;
  readonly expires_at: string;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
  readonly result: unknown;
  readonly error: string | null;
}

/** What came of trying to do an act. */
type Performed =
  | { readonly status: "done"; readonly result: unknown }
  | { readonly status: "not now"; readonly reason: string; readonly until?: string }
  /** `approved`: it did not happen and is tried again. */
  | { readonly status: "approved" | "failed" | "uncertain"; readonly error: string };

const CALL_MS = 15_000;
/** An act may take so long; its own limits are shorter. */
const ACT_MS = 10 * 60_000;

/** Proposes and performs. */
export class AgentActs {
  readonly #options: ActOptions;

  constructor(options: ActOptions) {
    this.#options = options;
  }

  /** What a call of an outward tool comes to: mostly that it waits for a person. */
  async propose(
    tool: LoopTool,
    input: unknown,
    act: OutwardAct,
    runId: string,
    signal: AbortSignal,
  ): Promise<ToolOutcome> {
    const { agentId, rules, expiresMs, holder } = this.#options;
    const { alwaysAsk: _, ...shown } = act;
    const tool_name = tool.description.name;
    const tool_input = exactJson(input);
    const row = await this.#call<ActRow>("actp_request_agent_act", {
      p_act: {
        ...shown,
        summary: storableText(shown.summary),
        preview: exactJson(shown.preview),
        digest: actDigest({ ...act, preview: { ...act.preview, tool_name, tool_input } }),
        task_id: runId,
        agent_id: agentId,
        tool_name,
        tool_input,
      },
      p_expires_seconds: expiresMs / 1000,
      p_holder: holder,
      p_rule: ruleFor(rules, agentId, act),
    }, signal);
    if (row.status !== "approved") return proposalOutcome(row);
    const performed = await this.perform(row, tool, signal);
    return {
      content: resultText({ approval_id: row.id, ...performed }),
      failed: performed.status === "failed",
    };
  }

  /** The acts that have been agreed to and are due. */
  due(signal: AbortSignal): Promise<ActRow[]> {
    return this.#call("actp_agent_due_acts", { p_agent_id: this.#options.agentId }, signal);
  }

  /**
   * Does an act that has been agreed to, unless another process does or its platform's limits say later. An error that
   * is no {@link TaskError} leaves it to a person to find out whether it happened.
   */
  async perform(act: ActRow, tool: LoopTool | undefined, signal: AbortSignal): Promise<Performed> {
    const { holder, log } = this.#options;
    const fence = `${holder}/${crypto.randomUUID()}`;
    const begun = await this.#call<{ begun: boolean; reason?: string; limit?: string; until?: string }>(
      "actp_begin_agent_act",
      { p_id: act.id, p_fence: fence },
      signal,
    );
    if (!begun.begun) return { status: "not now", reason: notNow(begun), until: begun.until };
    const performed = await this.#attempt(act, tool, signal);
    const told = { result: (performed as { result?: unknown }).result, error: performed.error };
    const ended = await this.#call<{ status: string | null }>("actp_end_agent_act", {
      p_id: act.id,
      p_fence: fence,
      p_outcome: performed.outcome,
      p_result: told.result === undefined ? null : exactJson(told.result),
      p_error: told.error && storableText(told.error),
    });
    if (performed.outcome === "done") {
      log.info("done: {summary}", { summary: act.summary, approval: act.id });
      return { status: "done", result: told.result ?? null };
    }
    const error = told.error ?? "it failed without a reason";
    const status = performed.outcome === "uncertain"
      ? "uncertain"
      : ended.status === "approved"
      ? "approved"
      : "failed";
    log.warn("not done ({status}): {summary}: {error}", {
      status,
      summary: act.summary,
      error,
      approval: act.id,
    });
    return { status, error };
  }

  /** Calls the tool once. Never throws. */
  async #attempt(
    act: ActRow,
    tool: LoopTool | undefined,
    signal: AbortSignal,
  ): Promise<{ outcome: "done" | "retry" | "failed" | "uncertain"; result?: unknown; error?: string }> {
    const { database, clock, agentId, log } = this.#options;
    if (!tool) return { outcome: "failed", error: `there is no tool ${act.tool_name} any more` };
    const parsed = tool.parse(act.tool_input);
    if ("problem" in parsed) return { outcome: "failed", error: parsed.problem };
    try {
      const result = await within(
        clock,
        ACT_MS,
        signal,
        (signal) => tool.run(parsed.value, { agentId, runId: act.task_id, database, signal, log }),
      );
      const refused = errorIn(result);
      return refused ? { outcome: "retry", error: refused } : { outcome: "done", result };
    } catch (error) {
      const message = failureText(error);
      if (!(error instanceof TaskError) || error.uncertain) return { outcome: "uncertain", error: message };
      return { outcome: error.retry ? "retry" : "failed", error: message };
    }
  }

  #call<T>(fn: string, given: Record<string, unknown>, signal?: AbortSignal): Promise<T> {
    const { database, clock, secrets = [] } = this.#options;
    const args = withoutSecrets(secrets)(given);
    return steadily(clock, signal, () => database.call<T>(fn, args, { signal, timeoutMs: CALL_MS }));
  }
}

/** Tools tell some failures as results; `{error: "service_unavailable"}` is no act that was done. */
function errorIn(result: unknown): string | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const { error } = result as { error?: unknown };
  return typeof error === "string" ? error : undefined;
}

function notNow({ reason, limit }: { reason?: string; limit?: string }): string {
  if (reason === "paused") return "the platform is paused";
  if (reason === "limit") return `the limit is reached: ${limit}`;
  return "it was decided otherwise, or another process does it";
}

/** A proposal's state, as the model is told. */
function proposalOutcome(row: ActRow): ToolOutcome {
  const told = (status: string, more: Record<string, unknown> = {}, failed = false): ToolOutcome => ({
    content: resultText({ approval_id: row.id, status, ...more }),
    failed,
  });
  switch (row.status) {
    case "proposed":
      return told("waiting for approval", {
        expires_at: row.expires_at,
        note: "Nothing has been done. It is done as soon as a person approves it; do not propose it again.",
      });
    case "done":
      return told("done already", { result: row.result });
    case "rejected":
      return told("rejected", { by: row.decided_by, reason: row.decision_reason }, true);
    case "expired":
      return told("expired", { note: "Nobody approved it in time." }, true);
    default:
      return told("in progress or uncertain", { error: row.error });
  }
}
