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
