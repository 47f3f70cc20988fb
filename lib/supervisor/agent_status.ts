/** What is told of agents, and what it means for the worker as a whole. Pure. */
import type { AgentHealth } from "../agent/protocol.ts";
import type { AgentState } from "./state.ts";

/** One agent, as `GET /agents` shows it. Times are ISO 8601, durations seconds. */
export interface AgentStatus {
  readonly agent_id: string;
  readonly name: string;
  /** Ours, and not declared in config.json. */
  readonly built_in: boolean;
  readonly enabled: boolean;
  readonly status: AgentState;
  /** Why it is in this state, where there is something to say. */
  readonly reason: string | null;
  readonly since: string;
  readonly pid: number | null;
  readonly uptime: number | null;
  /** Crashes within 24 hours. */
  readonly error_count: number;
  /** Those since a person last started it. */
  readonly crashes_last_hour: number;
  readonly restart_at: string | null;
  readonly last_run_at: string | null;
  readonly activity: "idle" | "busy" | "draining" | null;
  readonly run: { readonly id: string; readonly goal?: string } | null;
  readonly health: AgentHealth | null;
  readonly memory_mb: number | null;
  /** The worker that runs it in this one's place. */
  readonly held_by: string | null;
}

/** How the worker fares with its agents. */
export type OverallHealth = "healthy" | "degraded" | "critical";

/** The part of `GET /health` that is about agents. */
export interface AgentsSummary {
  readonly overall: OverallHealth;
  /** How many should run. */
  readonly agents: number;
  readonly agents_running: number;
}

/**
 * `critical`: the worker cannot work, or none of its agents runs. `degraded`: something is not as it should be. Agents
 * that are stopped do not matter, unless they are enabled and cannot run (`blocked` holds their ids).
 */
export function summary(
  worker: { readonly ready: boolean; readonly status: "online" | "degraded" | "draining" },
  agents: readonly AgentStatus[],
  blocked: readonly string[] = [],
): AgentsSummary {
  const wanted = agents.filter(({ status, agent_id }) => status !== "stopped" || blocked.includes(agent_id));
  const running = wanted.filter(({ status }) => status === "running");
  const well = running.filter(({ health }) => health?.status !== "unhealthy");
  const starting = wanted.some(({ status }) => status === "starting" || status === "restarting");
  const noneRuns = wanted.length > 0 && running.length === 0 && !starting;
  const draining = worker.status === "draining";
  const healthy = worker.status === "online" && well.length === wanted.length;
  return {
    overall: !draining && (!worker.ready || noneRuns) ? "critical" : healthy ? "healthy" : "degraded",
    agents: wanted.length,
    agents_running: running.length,
  };
}
