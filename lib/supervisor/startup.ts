/** What is checked and told before agents start: the settings they need, their tables, and which of them run. */
import type { Config, ConfigOrigin, ConfigProblem } from "../config.ts";
import { BUILT_IN_AGENTS, type BuiltInAgent, enabledAgents } from "../config/agents.ts";
import type { Database } from "../database/database.ts";

/** The tables that none of our agents can do without. */
const FRAME_TABLES = [
  "actp_agent_runs",
  "actp_agent_memory",
  "actp_agent_tasks",
  "actp_tool_call_log",
  "anthropic_cost_log",
];

/** Settings without which an agent runs but lacks tools. */
const OPTIONAL: readonly {
  readonly key: keyof Config;
  readonly variable: string;
  readonly agent: string;
  readonly lacks: string;
}[] = [
  { key: "stripeKey", variable: "STRIPE_SECRET_KEY", agent: "revenue-agent", lacks: "Stripe revenue" },
  {
    key: "telegramToken",
    variable: "TELEGRAM_BOT_TOKEN",
    agent: "revenue-agent",
    lacks: "reports by Telegram",
  },
  { key: "appleKeyId", variable: "APPLE_KEY_ID", agent: "revenue-agent", lacks: "App Store revenue" },
];

/** Our agents that run. */
export function enabledBuiltIn(config: Config): BuiltInAgent[] {
  const enabled = new Set(enabledAgents(config));
  return BUILT_IN_AGENTS.filter(({ id }) => enabled.has(id));
}

/** What keeps the agents from starting, for {@link loadConfig}. `config` lacks the fields that are wrong in themselves. */
export function startProblems(
  config: Partial<Config>,
  origins: Readonly<Record<keyof Config, ConfigOrigin>>,
): ConfigProblem[] {
  const complete = BUILT_IN_AGENTS.every(({ enabledBy }) => enabledBy in config) &&
    config.agents !== undefined &&
    "onlyAgents" in config && "anthropicKey" in config;
  if (!complete || config.anthropicKey !== undefined) return [];
  const enabled = enabledBuiltIn(config as Config).map(({ id }) => id);
  if (enabled.length === 0) return [];
  return [{
    field: "anthropicKey",
    source: origins.anthropicKey.source,
    message: `is missing, and needed for ${enabled.join(", ")}`,
    fix: "Set ANTHROPIC_API_KEY, or enable none of these agents.",
  }];
}

/** Settings that enabled agents could make use of and do not have, one line each. */
export function startWarnings(config: Config): string[] {
  const enabled = enabledAgents(config);
  return OPTIONAL.filter(({ key, agent }) => config[key] === undefined && enabled.includes(agent)).map((
    { variable, agent, lacks },
  ) => `${variable} is not set: ${agent} goes without ${lacks}`);
}

/** The tables that enabled agents need and the database lacks, by agent. @throws DatabaseError */
export async function checkRequiredTables(
  database: Database,
  config: Config,
): Promise<Map<string, string[]>> {
  const agents = enabledBuiltIn(config);
  if (agents.length === 0) return new Map();
  const { tables } = await database.call<{ tables: { name: string }[] }>("actp_database_status");
  const there = new Set(tables.map(({ name }) => name));
  const missing = agents.map(({ id, tables }) =>
    [id, [...FRAME_TABLES, ...tables].filter((table) => !there.has(table))] as const
  );
  return new Map(missing.filter(([, tables]) => tables.length > 0));
}

/** Why agents whose tables are missing cannot run, by agent, and what to do about it. */
export function tableProblems(missing: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  return new Map(
    [...missing].map(([id, tables]) => [
      id,
      `${tables.join(", ")} ${
        tables.length === 1 ? "is" : "are"
      } missing in the database; run \`actp-worker db migrate\``,
    ]),
  );
}

/** Which agents run and which do not, one line each. */
export function banner(config: Config, problems: ReadonlyMap<string, string>): string[] {
  const enabled = new Set(enabledAgents(config));
  const line = (id: string, off: string) => {
    const problem = problems.get(id);
    if (!enabled.has(id)) return `agent ${id}: disabled (${off})`;
    return problem === undefined ? `agent ${id}: enabled` : `agent ${id}: cannot run: ${problem}`;
  };
  const offOf = (variable: string) => config.onlyAgents ? "not in --agents" : `${variable} is false`;
  return [
    ...BUILT_IN_AGENTS.map(({ id, variable }) => line(id, offOf(variable))),
    ...config.agents.map(({ id }) => line(id, config.onlyAgents ? "not in --agents" : "enabled is false")),
  ];
}
