/** Research of a niche: by the market research service, or by a browser on one of the machines. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { answering } from "../answering.ts";
import { clip, days, id, limit, line, niche, platform, PLATFORMS } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { marketResearch } from "../settings.ts";
import { enqueueTask, waitForTask, waitSeconds } from "../tasks.ts";
import { type FoundPost, readPosts } from "./posts.ts";

/** The platforms that the market research service knows. */
const SERVICE_PLATFORMS = ["tiktok", "instagram", "twitter", "threads", "facebook"] as const;
/** A search drives a browser. */
const SEARCH_TIMEOUT_MS = 120_000;
const RESEARCH_TASK_MINUTES = 15;
/** What the model is shown of what was found; all of it is saved. */
const SHOWN_POSTS = 10;

/** The tools of research that are offered where these services are configured. */
export function researchTools(services: AgentServices, clock: Clock = systemClock): AgentTool[] {
  const service = marketResearch(services);
  return [
    ...service ? [researchNiche(service), serviceTopCreators(service)] : [],
    researchInBrowser(clock),
    collectResearch(),
    topPosts(),
    topCreators(),
  ];
}

/** @see the service's `POST /api/research/:platform/search {query, config}` → `{posts}` */
function researchNiche(service: Service): AgentTool {
  return defineTool({
    name: "research_niche",
    description:
      "Searches one platform for posts of a niche through the market research service, saves them, and returns the " +
      "best by views. Takes up to two minutes.",
    input: z.strictObject({
      niche,
      platform: z.enum(SERVICE_PLATFORMS),
      query: line(200).optional().describe("what to search for, where it is not the niche itself"),
      max_results: limit(100, 20),
    }),
    run: answering(async ({ niche, platform, query, max_results }, context) => {
      const { body } = await askService(service, {
        method: "POST",
        path: `/api/research/${platform}/search`,
        body: { query: query ?? niche, maxResults: max_results, config: { maxResults: max_results } },
        purpose: `research ${platform}`,
        signal: context.signal,
        timeoutMs: SEARCH_TIMEOUT_MS,
      });
      const answer = z.object({
        success: z.boolean().optional(),
        posts: z.unknown().optional(),
        results: z.unknown().optional(),
        error: z.unknown().optional(),
      }).parse(body ?? {});
      const list = answer.posts ?? answer.results;
      if (answer.success === false || !Array.isArray(list)) {
        throw new Error(
          `Cannot research ${platform}: market research said ${clip(String(answer.error ?? "nothing"), 300)}`,
        );
      }
      return await savePosts(context, readPosts(list, niche, platform).slice(0, max_results), list.length);
    }, ({ platform }) => platform),
  });
}

/** @see the service's `POST /api/research/top-creators {niche, platform?, limit}` → `{creators}` */
function serviceTopCreators(service: Service): AgentTool {
  const creator = z.looseObject({});
  return defineTool({
    name: "research_top_creators",
    description:
      "Asks the market research service for the creators of a niche with the most engagement on a platform.",
    input: z.strictObject({ niche, platform: z.enum(SERVICE_PLATFORMS), limit: limit(50, 10) }),
    run: answering(async (input, context) => {
      const { body } = await askService(service, {
        method: "POST",
        path: "/api/research/top-creators",
        body: input,
        purpose: "list creators",
        signal: context.signal,
      });
      const { creators } = z.object({ creators: z.array(creator) }).parse(body);
      return { creators: creators.slice(0, input.limit).map(shortened) };
    }, ({ platform }) => platform),
  });
}

function researchInBrowser(clock: Clock): AgentTool {
  return defineTool({
    name: "research_in_browser",
    description:
      "Has a machine with a browser look for posts of a niche on TikTok, Instagram or YouTube (a safari_research " +
      "task), saves them and returns the best. If it takes longer than wait_seconds, call collect_research later " +
      "with the task_id.",
    input: z.strictObject({
      niche,
      query: line(200).optional().describe("what to search for, where it is not the niche itself"),
      platforms: z.array(z.enum(["tiktok", "instagram", "youtube"])).min(1).max(3).default([
        "tiktok",
        "instagram",
      ]),
      max_items: limit(200, 50),
      wait_seconds: waitSeconds,
    }),
    async run({ niche, query, platforms, max_items, wait_seconds }, context) {
      const taskId = await enqueueTask(context, {
        type: "safari_research",
        input: {
          research_type: "search",
          query: query ?? niche,
          platforms: [...new Set(platforms)],
          max_items,
        },
        timeoutMinutes: RESEARCH_TASK_MINUTES,
      });
      return await collect(context, taskId, niche, wait_seconds, clock);
    },
  });
}

function collectResearch(): AgentTool {
  return defineTool({
    name: "collect_research",
    description: "Saves and returns what a research_in_browser task has found, once it is over.",
    input: z.strictObject({ task_id: id, niche }),
    run: ({ task_id, niche }, context) => collect(context, task_id, niche, 0, systemClock),
  });
}

async function collect(context: ToolContext, taskId: string, niche: string, seconds: number, clock: Clock) {
  const state = await waitForTask(context, taskId, seconds, clock);
  if (state.status !== "succeeded") return state;
  const output = z.object({
    items: z.array(z.unknown()),
    errors: z.array(z.object({ platform: z.string(), message: z.string() })).default([]),
  }).parse(state.output);
  const saved = await savePosts(context, readPosts(output.items, niche), output.items.length);
  return {
    task_id: taskId,
    ...saved,
    ...output.errors.length > 0 && { problems: output.errors.slice(0, 5) },
  };
}

async function savePosts(context: ToolContext, posts: readonly FoundPost[], found: number) {
  const saved = posts.length === 0
    ? { saved: 0, updated: 0 }
    : await context.database.call<object>("actp_save_research_posts", { p_posts: posts });
  const best = [...posts].sort((a, b) => (b.views ?? b.likes ?? 0) - (a.views ?? a.likes ?? 0));
  return {
    found,
    ...saved,
    best: best.slice(0, SHOWN_POSTS).map((post) => ({
      ...post,
      ...post.caption && { caption: clip(post.caption, 300) },
    })),
  };
}

function topPosts(): AgentTool {
  return defineTool({
    name: "top_posts",
    description: "Lists the posts of a niche with the most views among those that research has saved.",
    input: z.strictObject({ niche, platform: platform.optional(), days: days(30), limit: limit(50, 10) }),
    run: ({ niche, platform, days, limit }, { database }) =>
      database.call("actp_top_posts", {
        p_niche: niche,
        p_days: days,
        p_platform: platform ?? null,
        p_limit: limit,
      }),
  });
}

function topCreators(): AgentTool {
  return defineTool({
    name: "top_creators",
    description: `Lists the creators of a niche with the most views among the saved posts (${
      PLATFORMS.join(", ")
    }).`,
    input: z.strictObject({ niche, platform: platform.optional(), days: days(30), limit: limit(50, 10) }),
    run: ({ niche, platform, days, limit }, { database }) =>
      database.call("actp_top_creators", {
        p_niche: niche,
        p_days: days,
        p_platform: platform ?? null,
        p_limit: limit,
      }),
  });
}

/** The fields of a creator that are words or numbers, each bounded. */
function shortened(entry: Record<string, unknown>): Record<string, unknown> {
  const plain = Object.entries(entry).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value)
  );
  return Object.fromEntries(
    plain.slice(0, 20).map(([name, value]) => [name, typeof value === "string" ? clip(value, 200) : value]),
  );
}
