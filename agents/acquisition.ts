/** The acquisition agent: prospects, messages and deals. */
import type { AgentServices, AgentTool } from "../lib/agent/agent.ts";
import { COMMON_RULES } from "./common_rules.ts";
import type { DomainAgent } from "./domain_agent.ts";
import { dealTools } from "./tools/acquisition/deals.ts";
import { outreachTools } from "./tools/acquisition/outreach.ts";
import { prospectTools } from "./tools/acquisition/prospects.ts";
import { serviceHealthTools } from "./tools/health.ts";
import { researchTools } from "./tools/social/research.ts";
import { taskStatusTool } from "./tools/tasks.ts";

const SYSTEM_PROMPT =
  `You are a specialist for winning customers. You find people whom our offer would help, judge how \
well they fit, propose personal messages to them, and move them from awareness through consideration and decision to a \
deal, on what really happens.

How to work:
- Save a prospect before you score one, and score one before you propose a message to one.
- Never pitch cold: at least two messages that are of use to the person come before an offer.
- A message is short, personal, says where you know them from, and makes it easy to say no. No false claims, no pressure, \
no invented common ground.
- Look at pending_outreach first: with more than 50 that wait, propose no new ones. Nobody gets a second message within \
three days, and nobody who has not answered three of them gets another.
- LinkedIn takes at most 10 connection requests a day from us.
- A prospect moves to the next stage only when something happened: an answer, a call, a contract. Log it.

${COMMON_RULES}`;

/** The agent `acquisition-agent`. */
export const acquisitionAgent: DomainAgent = {
  id: "acquisition-agent",
  name: "Acquisition",
  description:
    "finds and scores prospects, proposes messages to them, and keeps the pipeline and the deal log",
  tier: "sonnet",
  pollSeconds: 30,
  systemPrompt: SYSTEM_PROMPT,
  tools(services: AgentServices): readonly AgentTool[] {
    return [
      ...researchTools(services),
      ...prospectTools(services),
      ...outreachTools(services),
      ...dealTools(services),
      ...serviceHealthTools(services),
      taskStatusTool(),
    ];
  },
  routines: [
    {
      id: "acquisition.pipeline-advance",
      description: "Takes the prospects close to a deal a step further.",
      cron: "0 9 * * *",
      enabled: true,
      goal:
        "Advance the pipeline. Look at the prospects in consideration and decision, at what was sent and answered, and " +
        "move those for whom something happened. Propose the one next message for each whose turn it is, those in " +
        "decision first. Compare the month's closed revenue and pipeline with its target and say what is missing.",
    },
    {
      id: "acquisition.daily-prospecting",
      description: "Finds and scores new prospects and proposes first messages.",
      cron: "0 11,15 * * *",
      enabled: true,
      goal:
        "Find up to 20 new prospects through research, save and score them, and propose a first, helpful message or a " +
        "connection request to at most 10 of the best. If more than 50 proposals wait already, find none and say so.",
    },
  ],
};
