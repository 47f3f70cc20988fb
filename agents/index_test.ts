import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Cron } from "croner";
import { loopTool } from "../lib/agent/loop/tools.ts";
import { BUILT_IN_AGENTS } from "../lib/config/agents.ts";
import { testServices } from "../lib/testing/agent_tools.ts";
import { builtInAgents } from "./index.ts";

/** Every setting that a tool looks at. */
const ALL_SETTINGS = Object.fromEntries(
  [
    "MARKET_RESEARCH_URL",
    "SAFARI_TIKTOK_COMMENTS_URL",
    "SAFARI_INSTAGRAM_COMMENTS_URL",
    "SAFARI_LINKEDIN_URL",
    "SAFARI_TWITTER_DM_URL",
    "HOOKLITE_URL",
    "CONTENTLITE_URL",
    "RESEARCHLITE_URL",
    "GENLITE_URL",
    "GENLITE_KEY",
    "MPLITE_URL",
    "MPLITE_KEY",
    "STRIPE_SECRET_KEY",
    "APPLE_KEY_ID",
    "APPLE_ISSUER_ID",
    "APPLE_PRIVATE_KEY",
    "APPLE_VENDOR_NUMBER",
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_CHAT_ID",
  ].map((name) => [name, name.endsWith("_URL") ? "http://127.0.0.1:9" : "value"]),
);

/** What needs a person's yes. */
const OUTWARD = [
  "propose_comment",
  "propose_reply",
  "generate_video",
  "queue_post",
  "queue_message",
  "propose_connection",
  "send_weekly_report",
];

/** What is offered only where its service is configured. */
const NEED_A_SERVICE = [
  ...OUTWARD,
  "research_niche",
  "research_top_creators",
  "generate_scripts",
  "score_hooks",
  "niche_blueprints",
  "stripe_recurring_revenue",
  "stripe_new_customers",
  "stripe_churn",
  "app_store_revenue",
  "service_health",
];

const toolsOf = (settings: Record<string, string>) =>
  builtInAgents.map((agent) => ({ agent, tools: agent.tools(testServices(settings)) }));

Deno.test("the built-in agents are those that the configuration can turn on", () => {
  deepEqual(builtInAgents.map(({ id }) => id).sort(), BUILT_IN_AGENTS.map(({ id }) => id).sort());
  deepEqual(
    builtInAgents.map(({ id, tier, analysisTier, pollSeconds }) => [id, tier, analysisTier, pollSeconds]),
    [
      ["social-media-agent", "sonnet", undefined, 30],
      ["content-agent", "haiku", "opus", 60],
      ["acquisition-agent", "sonnet", undefined, 30],
      ["revenue-agent", "haiku", undefined, 120],
    ],
  );
});

Deno.test("no agent has two tools of one name, and every tool is fit for the model", () => {
  for (const settings of [{}, ALL_SETTINGS]) {
    for (const { agent, tools } of toolsOf(settings)) {
      const names = tools.map(({ name }) => name);
      equal(new Set(names).size, names.length, agent.id);
      for (const tool of tools) {
        match(tool.name, /^[a-zA-Z0-9_-]{1,64}$/);
        ok(tool.description.length >= 40 && tool.description.length <= 1_000, tool.name);
        const { input_schema } = loopTool(tool).description;
        equal(input_schema.type, "object", tool.name);
        equal(input_schema.additionalProperties, false, `${tool.name} takes what it does not know`);
      }
    }
  }
});

Deno.test("what posts, messages or spends needs a person's yes, and nothing else does", () => {
  const outward = toolsOf(ALL_SETTINGS).flatMap(({ tools }) =>
    tools.filter((tool) => tool.outward).map(({ name }) => name)
  );
  deepEqual([...new Set(outward)].sort(), OUTWARD.toSorted());
});

Deno.test("a tool whose service is not configured is not offered; all others are", () => {
  const names = (settings: Record<string, string>) =>
    new Set(toolsOf(settings).flatMap(({ tools }) => tools.map(({ name }) => name)));
  const [without, withAll] = [names({}), names(ALL_SETTINGS)];
  deepEqual([...withAll.difference(without)].sort(), NEED_A_SERVICE.toSorted());
  // Where nothing scores hooks, the agent rates them itself.
  deepEqual([...without.difference(withAll)], ["rate_hooks"]);
});

Deno.test("every routine has a schedule, a goal and a name of its own", () => {
  const routines = builtInAgents.flatMap(({ routines }) => routines);
  equal(new Set(routines.map(({ id }) => id)).size, routines.length);
  for (const { id, cron, goal, description } of routines) {
    match(id, /^[a-z]+\.[a-z-]+$/);
    ok(new Cron(cron, { paused: true }).nextRun(), id);
    ok(goal.length > 50 && description.length > 10, id);
  }
});

Deno.test("the routines that run by themselves are the six of every day and week, at their seven times", () => {
  const enabled = builtInAgents.flatMap(({ routines }) => routines).filter(({ enabled }) => enabled);
  deepEqual(enabled.map(({ id, cron }) => [id, cron]), [
    ["content.daily-pipeline", "0 6 * * *"],
    ["acquisition.pipeline-advance", "0 9 * * *"],
    ["acquisition.daily-prospecting", "0 11,15 * * *"],
    ["revenue.daily-check", "0 8 * * *"],
    ["revenue.cost-audit", "0 23 * * *"],
    ["revenue.weekly-report", "0 20 * * 0"],
  ]);
});

Deno.test("every agent is told of approvals, limits and honesty about failures", () => {
  for (const { id, systemPrompt } of builtInAgents) {
    for (const word of ["approves", "paused", "service_unavailable", "Never invent", "what failed and why"]) {
      ok(systemPrompt.includes(word), `${id}: ${word}`);
    }
    ok(systemPrompt.length < 4_000, id);
  }
});
