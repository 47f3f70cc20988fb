/** The structured settings of agents: which acts are trusted, which MCP servers there are, what models cost. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { looseUrl, text } from "./schemas.ts";

const variable = z.string().regex(
  /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
  "must be the name of an environment variable",
);
const toolName = z.string().min(1).max(200);

const ruleSchema = z.strictObject({
  /** Named in the record of what it approved; unless told, its place in the list. */
  name: text.max(100).optional(),
  /** What is left out holds for all. */
  agent: text.max(200).optional(),
  platform: text.max(100).optional(),
  account: text.max(200).optional(),
  kinds: z.array(text.max(100)).min(1).max(50).optional(),
  /** How many acts a day (UTC) it approves. */
  perDay: z.int("must be a whole number").min(1, "must be 1 to 1000").max(1000, "must be 1 to 1000"),
});

/** Which outward acts of agents are approved without being asked about one by one; the first that fits counts. */
export const approvalRulesSchema = z.array(ruleSchema).max(200);

/** One rule of trust. */
export type ApprovalRule = z.output<typeof ruleSchema>;

const common = {
  /** The tools that are offered; `*` alone for all. */
  allow: z.array(toolName).min(1, "must name at least one tool, or *").max(500),
  /** Those of them that a person must agree to each time; `*` alone for all. */
  approve: z.array(toolName).max(500).default([]),
  /** The agents that are offered them; all unless told. */
  agents: z.array(text.max(200)).max(100).optional(),
  timeoutSeconds: z.number().min(1).max(3600).default(60),
};

const mcpServerSchema = z.union([
  z.strictObject({
    /** A program: an absolute path, or a name that is looked up on PATH. */
    command: text.refine((path) => isAbsolute(path) || !path.includes("/"), {
      message: "must be an absolute path or a bare name",
    }),
    args: z.array(z.string().max(4096)).max(200).default([]),
    /** Names of variables passed on from the environment. */
    env: z.array(variable).max(200).default([]),
    cwd: text.refine(isAbsolute, "must be an absolute path").optional(),
    ...common,
  }),
  z.strictObject({
    url: looseUrl,
    /** Headers whose values are in the environment: `{"Authorization": "NAME"}` sends what NAME holds. */
    headersEnv: z.record(
      z.string().regex(/^[A-Za-z0-9-]{1,100}$/, "must be the name of a header"),
      variable,
    ).default({}),
    ...common,
  }),
], "must have a command or a url, and a list `allow` of tools");

/** MCP servers by the name that their tools begin with. */
export const mcpServersSchema = z.record(
  z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,30}$/, "must be a short name of letters, digits, - and _"),
  mcpServerSchema,
);

/** How one MCP server is reached, and what of it is offered to whom. */
export type McpServerSettings = z.output<typeof mcpServerSchema>;

const prices = {
  input: z.number().min(0).max(100_000),
  output: z.number().min(0).max(100_000),
  cacheRead: z.number().min(0).max(100_000).optional(),
  cacheWrite: z.number().min(0).max(100_000).optional(),
};

/** Prices by model, in US dollars per million tokens. `long`: of calls whose prompt has more than `above` tokens. */
export const modelPricesSchema = z.record(
  z.string().min(1).max(200),
  z.strictObject({ ...prices, long: z.strictObject({ above: z.int().min(1), ...prices }).optional() }),
);
