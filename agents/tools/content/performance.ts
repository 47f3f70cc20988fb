/** How posts did, what to reuse of them, and how much was made. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { days, limit, line, niche, platform, webAddress } from "../fields.ts";
import { numberSetting } from "../settings.ts";
import { CLASSIFICATIONS, classify } from "./view_class.ts";

/** The tools that look back. */
export function performanceTools(services: AgentServices): AgentTool[] {
  return [
    recordPostViews(),
    classifyPosts(),
    saveViralTemplate(),
    viralTemplates(),
    dailyVolume(services),
    gatePassRate(),
  ];
}

function recordPostViews(): AgentTool {
  return defineTool({
    name: "record_post_views",
    description:
      "Saves how many views our posts had after 24 hours, as you have seen them in a source, and " +
      `classifies each (${CLASSIFICATIONS.join(", ")}). Never guess a number.`,
    input: z.strictObject({
      posts: z.array(z.strictObject({
        post_url: webAddress,
        platform,
        niche: niche.optional(),
        views_24h: z.int().min(0).max(100_000_000_000),
      })).min(1).max(100),
    }),
    async run({ posts }, { database }) {
      const classified = posts.map((post) => ({ ...post, classification: classify(post.views_24h) }));
      await database.call("actp_record_post_views", { p_views: classified });
      return classified.map(({ post_url, views_24h, classification }) => ({
        post_url,
        views_24h,
        classification,
      }));
    },
  });
}

function classifyPosts(): AgentTool {
  return defineTool({
    name: "classify_posts",
    description:
      "Counts our posts by how they did in their first 24 hours (viral above 100,000 views, strong above " +
      "10,000, average above 1,000, weak above 100, else flop), with the average and the latest posts.",
    input: z.strictObject({ days: days(30), platform: platform.optional(), limit: limit(50, 20) }),
    run: ({ days, platform, limit }, { database }) =>
      database.call("actp_post_views_of", { p_days: days, p_platform: platform ?? null, p_limit: limit }),
  });
}

function saveViralTemplate(): AgentTool {
  return defineTool({
    name: "save_viral_template",
    description: "Saves a hook that went well, to be reused as a template.",
    input: z.strictObject({
      hook_text: line(300),
      niche,
      platform,
      hook_score: z.number().min(0).max(100).optional(),
      views_24h: z.int().min(0).max(100_000_000_000).optional(),
    }),
    run: ({ hook_text, niche, platform, hook_score, views_24h }, { database }) =>
      database.call("actp_save_viral_template", {
        p_hook_text: hook_text,
        p_niche: niche,
        p_platform: platform,
        p_hook_score: hook_score ?? null,
        p_views_24hr: views_24h ?? null,
      }),
  });
}

function viralTemplates(): AgentTool {
  return defineTool({
    name: "viral_templates",
    description: "Lists the saved hooks that went best, to start new scripts from.",
    input: z.strictObject({ niche: niche.optional(), platform: platform.optional(), limit: limit(50, 5) }),
    run: ({ niche, platform, limit }, { database }) =>
      database.call("actp_list_viral_templates", {
        p_niche: niche ?? null,
        p_platform: platform ?? null,
        p_limit: limit,
      }),
  });
}

function dailyVolume(services: AgentServices): AgentTool {
  const target = numberSetting(services, "DAILY_VIDEO_GOAL");
  return defineTool({
    name: "daily_volume",
    description:
      "Counts for each of the last days (UTC) what was written, passed the gate, was rendered and " +
      "published, beside the daily goal where there is one.",
    input: z.strictObject({ days: days(7, 90) }),
    async run({ days }, { database }) {
      return { daily_goal: target ?? null, days: await database.call("actp_daily_volume", { p_days: days }) };
    },
  });
}

/** What the gate did, as the database counts it. */
export interface GateStatistics {
  readonly scripts: number;
  readonly passed: number;
}

/** The part of the judged scripts that passed, 0 to 1; null where none was judged. */
export function passRate({ scripts, passed }: GateStatistics): number | null {
  return scripts === 0 ? null : Math.round(passed / scripts * 1_000) / 1_000;
}

function gatePassRate(): AgentTool {
  return defineTool({
    name: "gate_pass_rate",
    description:
      "Tells which part of the scripts passed the gate, in all and by niche, and the average score.",
    input: z.strictObject({ days: days(7) }),
    async run({ days }, { database }) {
      const statistics = await database.call<GateStatistics>("actp_gate_statistics", { p_days: days });
      return { pass_rate: passRate(statistics), ...statistics };
    },
  });
}
