/** What the built-in agents are besides an agent: the routines that set them to work. */
import type { AgentDefinition } from "../lib/agent/agent.ts";

/** A goal that comes up by itself, by the clock. */
export interface AgentRoutine {
  /** Names it everywhere, e.g. `content.daily-pipeline`. */
  readonly id: string;
  readonly description: string;
  /** Five fields, in the time zone of the schedule. */
  readonly cron: string;
  /** What the agent is told to reach. */
  readonly goal: string;
  /** Whether it runs wherever the agent does; otherwise a person turns it on. */
  readonly enabled: boolean;
}

/** A built-in agent with its routines. */
export interface DomainAgent extends AgentDefinition {
  readonly routines: readonly AgentRoutine[];
}
