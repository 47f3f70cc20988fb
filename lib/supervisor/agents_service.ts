/** Everything about agents that the daemon runs, put together from the configuration. */
import { aborted, type Clock } from "../clock.ts";
import { type LoadedConfig, secretsOf } from "../config.ts";
import { enabledAgents } from "../config/agents.ts";
import type { Database } from "../database/database.ts";
import { SILENCE_MS } from "../agent/protocol.ts";
import { logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import { agentSpecs } from "./agent_specs.ts";
import { goalHints } from "./goal_hints.ts";
import { AgentRegistry } from "./registry.ts";
import type { AgentObserver } from "./supervised_agent.ts";
import { banner, checkRequiredTables, startWarnings, tableProblems } from "./startup.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

/** What is needed besides the configuration. */
export interface AgentsOptions extends Pick<SupervisorOptions, "onSeen" | "onRun"> {
  readonly database: Database;
  readonly clock: Clock;
  /** The worker's environment and folder. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Values beside the configuration's that must not appear in what is told of agents. */
  readonly secrets: readonly string[];
  readonly observer?: AgentObserver;
}

/** Checks the tables, tells which agents run and what they lack, and makes the supervisor. Nothing is started yet. */
export async function createAgents(
  loaded: Pick<LoadedConfig, "config" | "origins">,
  options: AgentsOptions,
): Promise<Supervisor> {
  const { config } = loaded;
  const { database, clock, env, cwd } = options;
  const log = logger("supervisor");
  const problems = await missingTables(loaded, database);
  if (enabledAgents(config).length > 0) {
    for (const line of banner(config, problems)) log.info`${line}`;
    for (const warning of startWarnings(config)) log.warn`${warning}`;
    for (const [id, problem] of problems) log.warn`${id} is not started: ${problem}`;
  }
  return new Supervisor({
    agents: agentSpecs(loaded, { env, cwd, problems }),
    registry: new AgentRegistry(database, config.workerId, Deno.hostname()),
    clock,
    timing: { silenceMs: SILENCE_MS, drainMs: config.drainSeconds * 1000 },
    watchMs: config.supervisorWatchSeconds * 1000,
    secrets: [...secretsOf(config), ...options.secrets],
    observer: options.observer,
    onSeen: options.onSeen,
    onRun: options.onRun,
  });
}

/** Without an answer the agents are started: they wait for the database themselves. */
async function missingTables({ config }: Pick<LoadedConfig, "config">, database: Database) {
  try {
    return tableProblems(await checkRequiredTables(database, config));
  } catch (error) {
    logger("supervisor").warn`the agents' tables could not be checked: ${(error as Error).message}`;
    return new Map<string, string>();
  }
}

/** Runs the agents from the moment that `reachable` resolves: then they find the worker's own servers. */
export function agentsService(
  supervisor: Supervisor,
  database: Database,
  clock: Clock,
  reachable: Promise<unknown>,
): Service {
  return {
    name: "agents",
    async run(signal) {
      await Promise.race([reachable, aborted(signal)]);
      if (!signal.aborted) await runServices([supervisor, goalHints(database, supervisor, clock)], signal);
    },
  };
}
