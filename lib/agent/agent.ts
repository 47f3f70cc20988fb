/** The words that agents, the tool loop and the supervisor share. No I/O lives here. */
import type { Logger } from "@logtape/logtape";
import type { ZodType } from "zod";
import type { Database } from "../database/database.ts";
import type { OutwardAct } from "../task/task.ts";

/** How strong a model the agent's work needs; which model that is, the configuration says. */
export type ModelTier = "haiku" | "sonnet" | "opus";

/** A supervised agent that works towards goals with a model and tools. */
export interface AgentDefinition {
  /** Names it everywhere, e.g. `social-media-agent`; also its `agent_type`. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly tier: ModelTier;
  /** A stronger tier that is asked only to analyse, by the tool `analyse`; none unless told. */
  readonly analysisTier?: ModelTier;
  /** How often it looks for goals besides hints, in seconds. */
  readonly pollSeconds: number;
  /** What it is told before every goal. */
  readonly systemPrompt: string;
  /** The tools whose services are configured; a tool that could not work is not offered. */
  tools(services: AgentServices): readonly AgentTool[];
}

/** What tools are made from: values of the configuration by name, and the way to the network. */
export interface AgentServices {
  /** The value of a setting, e.g. `STRIPE_SECRET_KEY`; undefined where it is unset. */
  setting(name: string): string | undefined;
  readonly fetch: typeof fetch;
}

/** One thing an agent can do. */
export interface AgentTool<Input = unknown> {
  readonly name: string;
  /** For the model: when to use it and what comes back. */
  readonly description: string;
  /** Validated before {@link run}. */
  readonly input: ZodType<Input>;
  /**
   * For what posts, messages or spends: what will be done, for a person to decide. The call then only proposes; `run`
   * is called once, when it has been approved, maybe after the agent's run is over. It must then throw a
   * {@link TaskError} where it is sure that nothing happened (`retry` tells whether to try again); after any other error
   * only a person can say that it may be done again.
   */
  outward?(input: Input): OutwardAct;
  /** @throws an Error, which the model is told as the call's failure */
  run(input: Input, context: ToolContext): Promise<unknown>;
}

/** What a tool is given besides its input. */
export interface ToolContext {
  readonly agentId: string;
  /** The run that it belongs to; for approved acts the run that proposed it. */
  readonly runId: string;
  readonly database: Database;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Types an agent's literal. */
export function defineAgent(agent: AgentDefinition): AgentDefinition {
  return agent;
}

/** Types a tool's literal; the input's type comes from its schema. */
export function defineTool<Input>(tool: AgentTool<Input>): AgentTool {
  return tool as AgentTool;
}
