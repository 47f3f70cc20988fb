/** The deal log and the pipeline. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { id, limit, month, text } from "../fields.ts";
import { monthlyTargetsTool, monthOf } from "../revenue/totals.ts";

/** The tools around deals. */
export function dealTools(services: AgentServices, now: () => number = Date.now): AgentTool[] {
  return [logDealActivity(now), dealLog(), revenuePipeline(), monthlyTargetsTool(services, now)];
}

const word = z.string().regex(/^[a-z][a-z_]{1,40}$/, "must be a word in lower case");

function logDealActivity(now: () => number): AgentTool {
  return defineTool({
    name: "log_deal_activity",
    description:
      "Writes into the deal log what happened: a call, an offer, a contract. For a deal that was won: " +
      "activity_type closed_won with type (where the money comes from, e.g. upwork or retainer) and deal_value.",
    input: z.strictObject({
      prospect_id: id.optional(),
      activity_type: word,
      note: text(1_000),
      type: word.optional(),
      deal_value: z.number().min(0).max(100_000_000).optional(),
      month: month.optional().describe("when the money counts; the present one unless told"),
    }).refine(({ activity_type, type, deal_value }) =>
      activity_type !== "closed_won" ||
      (type !== undefined && deal_value !== undefined), {
      path: ["deal_value"],
      message: "and type are needed for closed_won",
    }),
    run: ({ prospect_id, month, ...entry }, { database, runId }) =>
      database.call("actp_log_deal", {
        p_entry: {
          ...entry,
          ...prospect_id && { contact_id: prospect_id },
          ...entry.deal_value !== undefined && { month: month ?? monthOf(now()) },
          agent_run_id: runId,
        },
      }),
  });
}

function dealLog(): AgentTool {
  return defineTool({
    name: "deal_log",
    description: "Lists the latest entries of the deal log, of all prospects or of one.",
    input: z.strictObject({ prospect_id: id.optional(), limit: limit(50, 20) }),
    run: ({ prospect_id, limit }, { database }) =>
      database.call("actp_list_deals", { p_contact_id: prospect_id ?? null, p_limit: limit }),
  });
}

function revenuePipeline(): AgentTool {
  return defineTool({
    name: "revenue_pipeline",
    description:
      "Tells how many prospects are in consideration and decision, what their deals may bring, and who " +
      "they are.",
    input: z.strictObject({}),
    run: (_input, { database }) => database.call("actp_revenue_pipeline"),
  });
}
