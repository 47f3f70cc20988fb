/** The worker's status with how its agents fare. */
import type { WorkerStatus } from "../status.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { agentReasons, wantedAgents, withReasons } from "../health/overall.ts";

/** The part of `GET /health` that is about agents. */
export interface AgentsSummary {
  /** How many should run. */
  readonly agents: number;
  readonly agents_running: number;
  /** As `uptime_seconds`, by the name that the seed has for it. */
  readonly uptime: number;
}

/** The worker's status with how its agents fare, as `GET /health` tells it. */
export function statusWithAgents(status: WorkerStatus, supervisor: Supervisor): WorkerStatus & AgentsSummary {
  const agents = supervisor.status();
  const blocked = supervisor.blocked();
  const wanted = wantedAgents(agents, blocked);
  return {
    ...withReasons(status, agentReasons(agents, blocked, status.status === "draining")),
    agents: wanted.length,
    agents_running: wanted.filter((agent) => agent.status === "running").length,
    uptime: status.uptime_seconds,
  };
}
