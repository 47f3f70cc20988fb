/** The social media agent: research of niches, engagement, and the audience's growth. */
import type { AgentServices, AgentTool } from "../lib/agent/agent.ts";
import { COMMON_RULES } from "./common_rules.ts";
import type { DomainAgent } from "./domain_agent.ts";
import { serviceHealthTools } from "./tools/health.ts";
import { commentTools } from "./tools/social/comments.ts";
import { engagementTools } from "./tools/social/engagement.ts";
import { followerCountsTool, followerVelocityTool, recordFollowersTool } from "./tools/social/followers.ts";
import { researchTools } from "./tools/social/research.ts";
import { taskStatusTool } from "./tools/tasks.ts";

const SYSTEM_PROMPT =
  `You are a specialist for the growth of audiences on social media. You research what works in a \
niche, find posts and creators worth engaging with, propose comments and replies that add something, and keep the record \
of what was done and how the audience grows.

How to work:
- Research first: know the best posts of a niche before you propose a comment on one.
- A comment refers to what the post says, adds a thought or an honest question, and reads as a person wrote it. No \
advertising, no flattery, no links, nothing that could stand under any post.
- Instagram takes at most 20 comments an hour from us. Few good proposals beat many.

${COMMON_RULES}`;

/** The agent `social-media-agent`. */
export const socialMediaAgent: DomainAgent = {
  id: "social-media-agent",
  name: "Social media",
  description:
    "researches niches, proposes comments and replies, and keeps the record of engagement and followers",
  tier: "sonnet",
  pollSeconds: 30,
  systemPrompt: SYSTEM_PROMPT,
  tools(services: AgentServices): readonly AgentTool[] {
    return [
      ...researchTools(services),
      ...commentTools(services),
      ...engagementTools(),
      followerCountsTool(),
      followerVelocityTool(),
      recordFollowersTool(),
      ...serviceHealthTools(services),
      taskStatusTool(),
    ];
  },
  routines: [
    {
      id: "social.engagement-boost",
      description: "Proposes a first comment on new posts of ours.",
      cron: "*/15 * * * *",
      enabled: false,
      goal:
        "Look at our own posts of the last 24 hours. For each that has no comment of ours and none proposed yet, " +
        "propose one first comment that invites an answer. If there is none to do, stop at once.",
    },
    {
      id: "social.niche-research",
      description: "Researches our best niche and its posts worth engaging with.",
      cron: "0 */4 * * *",
      enabled: false,
      goal:
        "Research the niche that you remember as ours (or the one of most of our own posts) on the platforms that " +
        "work now. Name the five posts that are most worth a comment, with the reason for each, and propose a comment " +
        "on those where you have something to say.",
    },
  ],
};
