/** Prospects: who they are, how well they fit and how far they are. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { handle, id, limit, line, niche, text, webAddress } from "../fields.ts";
import { type ProspectFacts, scoreProspect } from "./prospect_score.ts";
import { mayMove, type Stage, STAGES } from "./stages.ts";

/** A prospect as the database tells of one; numbers may come as text. */
interface ProspectRow {
  readonly id: string;
  readonly stage: Stage;
  readonly niche: string | null;
  readonly followers: number | null;
  readonly engagement_rate: number | null;
  readonly platforms: readonly string[];
  readonly sells: boolean | null;
}

/** The platforms that prospects are met on. */
export const PROSPECT_PLATFORMS = [
  "linkedin",
  "twitter",
  "instagram",
  "tiktok",
  "youtube",
  "threads",
  "email",
] as const;

/** The tools around prospects. */
export function prospectTools(services: AgentServices): AgentTool[] {
  const niches = (services.setting("TARGET_NICHES") ?? "").split(",").map((one) => one.trim()).filter((one) =>
    one !== ""
  );
  return [saveProspect(), prospectsByStage(), getProspect(), scoreTool(niches), moveProspect()];
}

function saveProspect(): AgentTool {
  return defineTool({
    name: "save_prospect",
    description:
      "Saves a prospect, or brings one that is known up to date (the same handle on the same platform). Only what you " +
      "have seen in a source; leave out what you do not know.",
    input: z.strictObject({
      platform: z.enum(PROSPECT_PLATFORMS),
      handle: handle.or(z.email().max(200)),
      name: line(200).optional(),
      profile_url: webAddress.optional(),
      email: z.email().max(200).optional(),
      niche: niche.optional(),
      followers: z.int().min(0).max(10_000_000_000).optional(),
      engagement_rate: z.number().min(0).max(100).optional().describe("in percent"),
      platforms: z.array(z.enum(PROSPECT_PLATFORMS)).max(7).optional().describe("where they are active"),
      sells: z.boolean().optional().describe("they sell courses, coaching, software or the like"),
      deal_value: z.number().min(0).max(100_000_000).optional().describe("what a deal may bring"),
      note: text(1_000).optional(),
    }),
    run: (prospect, { database }) => database.call("actp_save_prospect", { p_prospect: prospect }),
  });
}

function prospectsByStage(): AgentTool {
  return defineTool({
    name: "prospects_by_stage",
    description: "Counts the prospects by stage, and lists those of one stage, the best score first.",
    input: z.strictObject({
      stage: z.enum(STAGES).optional(),
      min_score: z.int().min(0).max(100).optional(),
      limit: limit(50, 20),
    }),
    run: ({ stage, min_score, limit }, { database }) =>
      database.call("actp_list_prospects", {
        p_stage: stage ?? null,
        p_min_score: min_score ?? null,
        p_limit: limit,
      }),
  });
}

function getProspect(): AgentTool {
  return defineTool({
    name: "get_prospect",
    description: "Tells all that is known of a prospect, with the latest entries of the deal log.",
    input: z.strictObject({ prospect_id: id }),
    async run({ prospect_id }, context) {
      const prospect = await prospectOf(context, prospect_id);
      const log = await context.database.call("actp_list_deals", { p_contact_id: prospect_id, p_limit: 10 });
      return { ...prospect, deal_log: log };
    },
  });
}

function scoreTool(niches: readonly string[]): AgentTool {
  return defineTool({
    name: "score_prospect",
    description:
      "Scores a prospect 0 to 100 from what is known: audience, niche, engagement, offer, presence. `known` tells how " +
      "much of it is known; find out more where it is low.",
    input: z.strictObject({ prospect_id: id }),
    async run({ prospect_id }, context) {
      const prospect = await prospectOf(context, prospect_id);
      const scored = scoreProspect(factsOf(prospect), niches);
      await context.database.call("actp_score_prospect", {
        p_id: prospect_id,
        p_score: scored.score,
        p_parts: scored.parts,
      });
      return { prospect_id, ...scored };
    },
  });
}

function moveProspect(): AgentTool {
  return defineTool({
    name: "move_prospect",
    description:
      "Moves a prospect to another stage, step by step (awareness, consideration, decision, closed_won), or to " +
      "closed_lost; the deal log says why. Only on what really happened: an answer, a call, a signed deal.",
    input: z.strictObject({ prospect_id: id, stage: z.enum(STAGES), reason: text(500) }),
    async run({ prospect_id, stage, reason }, context) {
      const prospect = await prospectOf(context, prospect_id);
      if (!mayMove(prospect.stage, stage)) {
        throw new Error(
          `Prospect ${prospect_id} is in ${prospect.stage}: from there it cannot go to ${stage}`,
        );
      }
      const moved = await context.database.call<ProspectRow | null>("actp_move_prospect", {
        p_id: prospect_id,
        p_from: prospect.stage,
        p_to: stage,
        p_note: reason,
        p_run_id: context.runId,
      });
      if (!moved) throw new Error(`Prospect ${prospect_id} has just been moved by another: look again`);
      return { prospect_id, from: prospect.stage, stage };
    },
  });
}

/** @throws Error where there is none */
export async function prospectOf({ database }: ToolContext, prospectId: string): Promise<ProspectRow> {
  const prospect = await database.call<ProspectRow | null>("actp_get_prospect", { p_id: prospectId });
  if (!prospect) throw new Error(`There is no prospect ${prospectId}`);
  return prospect;
}

function factsOf(row: ProspectRow): ProspectFacts {
  const numeral = (value: number | null) => value === null ? null : Number(value);
  return { ...row, followers: numeral(row.followers), engagement_rate: numeral(row.engagement_rate) };
}
