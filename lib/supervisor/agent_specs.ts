/** The agents that the configuration asks for, as the supervisor runs them. */
import { AGENTS_OWN_COMMAND } from "../agent/protocol.ts";
import type { LoadedConfig } from "../config.ts";
import { BUILT_IN_AGENTS, enabledAgents } from "../config/agents.ts";
import { selfCommand } from "../daemon/self.ts";
import { agentEnvironment, declaredEnvironment } from "./environment.ts";
import type { AgentSpec } from "./supervised_agent.ts";

/** What is needed besides the configuration. */
export interface SpecOptions {
  /** The worker's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that the worker was started in: a `.env` file there belongs to its configuration. */
  readonly cwd: string;
  /** Why an agent cannot run, by id. */
  readonly problems: ReadonlyMap<string, string>;
}

/** All agents, those that do not run included; ours first. */
export function agentSpecs(
  loaded: Pick<LoadedConfig, "config" | "origins">,
  options: SpecOptions,
): AgentSpec[] {
  const { config } = loaded;
  const enabled = new Set(enabledAgents(config));
  const ours = BUILT_IN_AGENTS.map(({ id, name }): AgentSpec => ({
    id,
    name,
    builtIn: true,
    enabled: enabled.has(id),
    process: {
      ...selfCommand([...AGENTS_OWN_COMMAND, id]),
      env: agentEnvironment(loaded, options.env),
      cwd: options.cwd,
      health: "ndjson",
    },
    restart: "always",
    maxMemoryMb: config.agentMemoryMb,
    problem: options.problems.get(id),
  }));
  const declared = config.agents.map((declaration): AgentSpec => ({
    id: declaration.id,
    name: declaration.name ?? declaration.id,
    builtIn: false,
    enabled: enabled.has(declaration.id),
    process: {
      program: declaration.command,
      args: declaration.args,
      env: declaredEnvironment(declaration.env, options.env),
      cwd: declaration.cwd ?? config.home,
      health: declaration.health,
    },
    restart: declaration.restart,
    maxMemoryMb: declaration.maxMemoryMb ?? config.agentMemoryMb,
  }));
  return [...ours, ...declared];
}
