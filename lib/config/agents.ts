/** The agents that this program ships with, and the shape of the programs that config.json declares as agents. */
import { isAbsolute } from "node:path";
import { z } from "zod";

/** One agent of our own, as far as everybody must know it without loading its code. */
export interface BuiltInAgent {
  /** Names it everywhere; also its `agent_type`. */
  readonly id: string;
  /** What people call it in `--agents`. */
  readonly short: string;
  readonly name: string;
  /** The configuration field that turns it on, and its variable. */
  readonly enabledBy:
    | "enableSocialMediaAgent"
    | "enableContentAgent"
    | "enableAcquisitionAgent"
    | "enableRevenueAgent";
  readonly variable: string;
  /** The tables that it cannot do without, besides those of every agent. */
  readonly tables: readonly string[];
}

/** In the order in which they are shown. */
export const BUILT_IN_AGENTS: readonly BuiltInAgent[] = [
  {
    id: "social-media-agent",
    short: "social",
    name: "Social media",
    enabledBy: "enableSocialMediaAgent",
    variable: "ENABLE_SOCIAL_MEDIA_AGENT",
    tables: ["actp_engagement_actions"],
  },
  {
    id: "content-agent",
    short: "content",
    name: "Content creation",
    enabledBy: "enableContentAgent",
    variable: "ENABLE_CONTENT_AGENT",
    tables: ["actp_viral_templates"],
  },
  {
    id: "acquisition-agent",
    short: "acquisition",
    name: "Acquisition",
    enabledBy: "enableAcquisitionAgent",
    variable: "ENABLE_ACQUISITION_AGENT",
    tables: ["actp_deal_log"],
  },
  {
    id: "revenue-agent",
    short: "revenue",
    name: "Revenue analytics",
    enabledBy: "enableRevenueAgent",
    variable: "ENABLE_REVENUE_AGENT",
    tables: ["actp_revenue_goals", "actp_weekly_snapshots"],
  },
];

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

const word = z.string().min(1).max(4096).refine(
  (text) => !text.includes("\0"),
  "must not contain a NUL byte",
);

const declarationSchema = z.strictObject({
  /** Names it everywhere. */
  id: z.string().regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    "must be lower-case letters, digits and dashes, at most 63",
  ).refine(
    (id) => !BUILT_IN_AGENTS.some((agent) => agent.id === id || agent.short === id) && id !== "task",
    "is taken",
  ),
  name: z.string().min(1).max(200).optional(),
  /** Whether it is started with the worker. */
  enabled: z.boolean().default(true),
  /** An absolute path, or a name that is looked up on PATH. */
  command: word.refine(
    (path) => isAbsolute(path) || !path.includes("/"),
    "must be an absolute path or a bare name",
  ),
  args: z.array(word.or(z.literal(""))).max(500).default([]),
  /** Names of variables passed on from the worker's environment. */
  env: z.array(z.string().regex(VARIABLE_NAME)).max(200).default([]),
  cwd: word.refine(isAbsolute, "must be an absolute path").optional(),
  /** `always`: whenever it ends; `on-failure`: unless it exits with status 0; `never`. */
  restart: z.enum(["always", "on-failure", "never"]).default("always"),
  /** `ndjson`: it reports as agents do (see docs/agents.md), and silence is a failure; `none`: it only runs. */
  health: z.enum(["ndjson", "none"]).default("none"),
  /** In place of AGENT_MAX_MEMORY_MB. */
  maxMemoryMb: z.int().min(16).max(1_048_576).optional(),
});

/** A program of the owner's own that is supervised like an agent. */
export type AgentDeclaration = z.output<typeof declarationSchema>;

/** The programs that config.json declares as agents; no two of the same id. */
export const agentsSchema = z.array(declarationSchema).max(100).superRefine((declarations, context) => {
  const ids = declarations.map(({ id }) => id);
  for (const [index, id] of ids.entries()) {
    if (ids.indexOf(id) === index) continue;
    context.addIssue({ code: "custom", path: [index, "id"], message: `${id} is declared twice` });
  }
});

/** The part of the configuration that tells which agents there are and which of them run. */
export interface AgentSelection extends Readonly<Record<BuiltInAgent["enabledBy"], boolean>> {
  readonly agents: readonly AgentDeclaration[];
  /** Only these, by id or short name, whatever else is enabled. */
  readonly onlyAgents?: readonly string[];
}

/** The ids of the agents that run, ours first. */
export function enabledAgents(selection: AgentSelection): string[] {
  const only = selection.onlyAgents && new Set(selection.onlyAgents.map(agentId));
  return [
    ...BUILT_IN_AGENTS.filter(({ id, enabledBy }) => only ? only.has(id) : selection[enabledBy]),
    ...selection.agents.filter(({ id, enabled }) => only ? only.has(id) : enabled),
  ].map(({ id }) => id);
}

/** The id that a person means: an id, or one of our agents' short names. */
export function agentId(name: string): string {
  return BUILT_IN_AGENTS.find(({ short }) => short === name)?.id ?? name;
}

/** Those of the names in `onlyAgents` that mean no agent. */
export function unknownAgents(selection: Pick<AgentSelection, "agents" | "onlyAgents">): string[] {
  const known = [...BUILT_IN_AGENTS, ...selection.agents].map(({ id }) => id);
  return (selection.onlyAgents ?? []).filter((name) => !known.includes(agentId(name)));
}
