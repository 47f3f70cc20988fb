/** What agents need of the configuration. */
import { type Config, CONFIG_FIELDS, secretsOf } from "../config.ts";
import type { ApprovalRule, McpServerSettings } from "../config/agent_rules.ts";
import type { AgentServices, ModelTier } from "./agent.ts";
import type { ModelPrice } from "./prices.ts";

/** Limits in US dollars; undefined is none. Days and months are in UTC. */
export interface Budgets {
  readonly runUsd?: number;
  /** Of one agent. */
  readonly dayUsd?: number;
  /** Of all agents together. */
  readonly monthUsd?: number;
}

/** The settings of one agent's process. */
export interface AgentSettings {
  readonly workerId: string;
  readonly models: Readonly<Record<ModelTier, string>>;
  readonly prices: Readonly<Record<string, ModelPrice>>;
  readonly budgets: Budgets;
  /** From this cost of a month on there is a warning, in US dollars. */
  readonly alertUsd: number;
  readonly maxIterations: number;
  readonly historyTokens: number;
  readonly rules: readonly ApprovalRule[];
  /** How long a proposal waits for a person, in ms. */
  readonly approvalExpiresMs: number;
  /** How long the run in progress may go on when the agent is to stop, in ms. */
  readonly drainMs: number;
  readonly mcpServers: Readonly<Record<string, McpServerSettings>>;
  /** Values that no model, record or supervisor is ever told, whatever tools return. */
  readonly secrets: readonly string[];
}

/** Reads them. */
export function agentSettings(config: Config): AgentSettings {
  const { agentModel } = config;
  return {
    workerId: config.workerId,
    models: {
      haiku: agentModel ?? config.agentModelHaiku,
      sonnet: agentModel ?? config.agentModelSonnet,
      opus: agentModel ?? config.agentModelOpus,
    },
    prices: config.modelPrices,
    budgets: {
      runUsd: config.agentRunBudgetUsd,
      dayUsd: config.agentDailyBudgetUsd,
      monthUsd: config.agentMonthlyBudgetUsd,
    },
    alertUsd: config.agentMonthlyAlertUsd,
    maxIterations: config.agentMaxIterations,
    historyTokens: config.agentHistoryTokens,
    rules: config.approvalRules,
    approvalExpiresMs: config.approvalHours * 3_600_000,
    drainMs: config.drainSeconds * 1000,
    mcpServers: config.mcpServers,
    secrets: secretsOf(config),
  };
}

/** What tools are made from: settings by the name of their variable, wherever they were set. */
export function agentServices(config: Config): AgentServices {
  return {
    setting(name) {
      const field = CONFIG_FIELDS.find(({ env }) => env.includes(name));
      const value = field && config[field.key];
      if (value === undefined || value === null) return undefined;
      return typeof value === "object" ? JSON.stringify(value) : String(value);
    },
    fetch,
  };
}
