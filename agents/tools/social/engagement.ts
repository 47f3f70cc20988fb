/** What we did on the platforms, and on which of our own posts. */
import { z } from "zod";
import { type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { days, handle, limit, line, platform, webAddress } from "../fields.ts";

/** The tools around the record of engagement. */
export function engagementTools(): AgentTool[] {
  return [engagementStatistics(), recordEngagement(), ownPosts()];
}

function engagementStatistics(): AgentTool {
  return defineTool({
    name: "engagement_statistics",
    description:
      "Counts what we did on the platforms (comments, replies, likes, follows) by platform and kind.",
    input: z.strictObject({ days: days(7), platform: platform.optional() }),
    run: ({ days, platform }, { database }) =>
      database.call("actp_engagement_statistics", { p_days: days, p_platform: platform ?? null }),
  });
}

function recordEngagement(): AgentTool {
  return defineTool({
    name: "record_engagement",
    description:
      "Records something that happened on a platform outside these tools, e.g. a reply that we received. " +
      "Comments and replies that were approved here record themselves.",
    input: z.strictObject({
      platform,
      action_type: z.string().regex(/^[a-z][a-z_]{1,40}$/, "must be a word in lower case"),
      target_url: webAddress.optional(),
      target_handle: handle.optional(),
      result: line(1_000).optional().describe("what came of it"),
    }),
    run: ({ result, ...action }, { database, runId }) =>
      database.call("actp_record_engagement", {
        p_action: { ...action, ...result && { result: { note: result } }, agent_run_id: runId },
      }),
  });
}

function ownPosts(): AgentTool {
  return defineTool({
    name: "own_posts",
    description:
      "Lists our own posts of the last hours, newest first, and whether we have commented on each yet.",
    input: z.strictObject({ hours: z.int().min(1).max(720).default(24), limit: limit(50, 20) }),
    run: ({ hours, limit }, { database }) =>
      database.call("actp_own_posts", { p_hours: hours, p_limit: limit }),
  });
}
