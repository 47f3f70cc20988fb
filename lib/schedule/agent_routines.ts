/** The routines that come with agents. Pure. */
import { type Routine, ROUTINE_DEFAULTS } from "./routine.ts";

/** An agent with the goals that come up by the clock. */
export interface RoutineAgent {
  readonly id: string;
  readonly routines: readonly {
    readonly id: string;
    readonly description: string;
    readonly cron: string;
    readonly goal: string;
    readonly enabled: boolean;
  }[];
}

/** A goal is put before an agent, which then takes its time. */
const GOAL_TIMEOUT_SECONDS = 60;

/** The routines of agents that run here. */
export function agentRoutines(agents: readonly RoutineAgent[]): Routine[] {
  return agents.flatMap((agent) =>
    agent.routines.map(({ id, description, cron, goal, enabled }): Routine => ({
      ...ROUTINE_DEFAULTS,
      id,
      description,
      schedule: { cron },
      action: { kind: "goal", agent: agent.id, goal },
      timeoutSeconds: GOAL_TIMEOUT_SECONDS,
      enabled,
    }))
  );
}
