/** The content agent: from niches to scripts, through the gate, to videos and posts. */
import type { AgentServices, AgentTool } from "../lib/agent/agent.ts";
import { COMMON_RULES } from "./common_rules.ts";
import type { DomainAgent } from "./domain_agent.ts";
import { MAX_REGENERATIONS, MIN_BATCH, PASS_SCORE } from "./tools/content/hook_gate.ts";
import { nicheTools } from "./tools/content/niches.ts";
import { performanceTools } from "./tools/content/performance.ts";
import { publishTools } from "./tools/content/publish.ts";
import { renderTools } from "./tools/content/render.ts";
import { scoringTools } from "./tools/content/scoring.ts";
import { scriptTools } from "./tools/content/scripts.ts";
import { serviceHealthTools } from "./tools/health.ts";
import { taskStatusTool } from "./tools/tasks.ts";

const SYSTEM_PROMPT =
  `You are a specialist for short videos. You find what a niche wants to see, write scripts in \
batches, have their hooks scored, have those that pass rendered, propose them for publishing, and learn from how they do.

How to work:
- In this order: niche, blueprints and templates, a batch of scripts, scores, renders, posts.
- Scripts are written in batches of at least ${MIN_BATCH} in one call, never one by one.
- Only a script with a score of ${PASS_SCORE} or more is rendered and published. One that fails may be written anew at \
most ${MAX_REGENERATIONS} times, each time for the reasons it failed; then give it up.
- If a whole batch fails, do not lower the bar: look at the viral templates and try another angle or niche once.
- Renders take minutes: start them all, then look how far they are. What is not ready when you stop is looked at by the \
next run.
- Posts are classified by their views in the first 24 hours: viral above 100,000, strong above 10,000, average above \
1,000, weak above 100, else flop. Save the hooks of viral and strong posts as templates.
- You write. What figures mean is not yours to guess: where you have to know why posts did well or badly or which angle \
to take next, gather the figures and ask \`analyse\` once, if it is offered; it is dear.

${COMMON_RULES}`;

/** The agent `content-agent`. */
export const contentAgent: DomainAgent = {
  id: "content-agent",
  name: "Content creation",
  description:
    "writes scripts in batches, scores their hooks, has videos rendered and proposes them for publishing",
  tier: "haiku",
  analysisTier: "opus",
  pollSeconds: 60,
  systemPrompt: SYSTEM_PROMPT,
  tools(services: AgentServices): readonly AgentTool[] {
    return [
      ...nicheTools(services),
      ...scriptTools(services),
      ...scoringTools(services),
      ...renderTools(services),
      ...publishTools(services),
      ...performanceTools(services),
      ...serviceHealthTools(services),
      taskStatusTool(),
    ];
  },
  routines: [
    {
      id: "content.daily-pipeline",
      description: "Scripts, gate, renders and posts of the day.",
      cron: "0 6 * * *",
      enabled: true,
      goal:
        "Run the daily pipeline. First look how far earlier renders and posts are. Then take the best niche, write a " +
        "batch of at least 10 scripts for it in one call, have them scored, improve those that fail within the limit, " +
        "start the renders of those that passed, and propose the rendered videos for publishing. Say how many were " +
        "written, passed, rendered and proposed.",
    },
  ],
};
