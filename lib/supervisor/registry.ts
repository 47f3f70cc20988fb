/** The registry of agents in the database, as one worker sees it. */
import type { CallOptions, Database } from "../database/database.ts";
import type { AgentState } from "./state.ts";

/** What is registered of an agent. */
export interface RegisteredAgent {
  readonly agent_id: string;
  readonly name: string;
  /** What runs it, without arguments. */
  readonly entry_point: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly health_url?: string;
}

/** Another worker runs the agent. */
export interface HeldAgent {
  readonly agent_id: string;
  readonly held_by: string | null;
}

/** One agent in a heartbeat; `alive`: it has been heard of itself. */
export interface AgentBeat {
  readonly agent_id: string;
  readonly status: AgentState;
  readonly alive: boolean;
  readonly health?: unknown;
}

/** Somebody asked for a restart. */
export interface RestartRequest {
  readonly agent_id: string;
  readonly reason: string | null;
}

/** A process that ended as it should not, `ageMs` ago, after `ranMs`. */
export interface Crash {
  /** A UUID: told twice, it is recorded once. */
  readonly id: string;
  readonly agentId: string;
  readonly reason: string;
  readonly ranMs: number;
  readonly ageMs: number;
}

/** What an agent's life was like before this worker started. */
export interface AgentPast {
  /** Of the last 24 hours, in seconds, the oldest first. */
  readonly crash_ages: readonly number[];
  /** Seconds since a manual start. */
  readonly cleared_age: number | null;
  /** ISO 8601 */
  readonly last_run_at: string | null;
}

/** An agent with its last runs and crashes, newest first, and what its tools did in the last 7 days. */
export interface AgentHistory {
  readonly runs: readonly Record<string, unknown>[];
  readonly crashes: readonly Record<string, unknown>[];
  readonly tools: readonly Record<string, unknown>[];
}

/** A call must not hold up the loop that watches the agents. */
const CALL_MS = 5_000;

/** Calls the functions of the agent registry. Every method throws the database's DatabaseError. */
export class AgentRegistry {
  readonly #database: Database;
  readonly #workerId: string;
  readonly #hostname: string;

  constructor(database: Database, workerId: string, hostname: string) {
    this.#database = database;
    this.#workerId = workerId;
    this.#hostname = hostname;
  }

  /** Registers the agents; answers those that another worker runs at present. */
  async registerAll(agents: readonly RegisteredAgent[], signal?: AbortSignal): Promise<HeldAgent[]> {
    const answer = await this.#call<HeldAgent[]>("actp_register_agents", {
      p_worker_id: this.#workerId,
      p_hostname: this.#hostname,
      p_agents: agents,
    }, { signal });
    return answer.filter(({ held_by }) => held_by !== null);
  }

  setStatus(agentId: string, status: AgentState, reason?: string, signal?: AbortSignal): Promise<boolean> {
    return this.#call("actp_set_agent_status", {
      p_agent_id: agentId,
      p_worker_id: this.#workerId,
      p_status: status,
      p_reason: reason ?? null,
    }, { signal });
  }

  /** The restarts that were asked for since the last call. */
  takeRestartRequests(signal?: AbortSignal): Promise<RestartRequest[]> {
    return this.#call("actp_take_restart_requests", { p_worker_id: this.#workerId }, { signal });
  }

  /** Answers the agents that this worker no longer runs. */
  heartbeat(agents: readonly AgentBeat[], signal?: AbortSignal): Promise<HeldAgent[]> {
    return this.#call("actp_heartbeat_agents", { p_worker_id: this.#workerId, p_agents: agents }, { signal });
  }

  /** All agents of this worker are stopped. */
  deregisterAll(signal?: AbortSignal): Promise<number> {
    return this.#call("actp_deregister_agents", { p_worker_id: this.#workerId }, { signal });
  }

  recordCrash({ id, agentId, reason, ranMs, ageMs }: Crash, signal?: AbortSignal): Promise<boolean> {
    return this.#call("actp_record_agent_crash", {
      p_id: id,
      p_agent_id: agentId,
      p_worker_id: this.#workerId,
      p_reason: reason,
      p_ran_ms: ranMs,
      p_age_seconds: ageMs / 1000,
    }, { signal });
  }

  /** A manual start makes earlier crashes forgotten. */
  clearCrashes(agentId: string, signal?: AbortSignal): Promise<boolean> {
    return this.#call("actp_clear_agent_crashes", { p_agent_id: agentId }, { signal });
  }

  /**
   * Gives back the goals that a process of this worker has left, which a new process of the agent would do.
   * @returns how many
   */
  async releaseGoals(agentId: string, signal?: AbortSignal): Promise<number> {
    const p_holders = `${this.#workerId}/${agentId}/`;
    return (await this.#call<unknown[]>("actp_rescue_agent_tasks", { p_holders }, { signal })).length;
  }

  past(agentIds: readonly string[], signal?: AbortSignal): Promise<Record<string, AgentPast>> {
    return this.#call("actp_agent_past", { p_agent_ids: agentIds }, { signal });
  }

  #call<T>(fn: string, args: Record<string, unknown>, options: CallOptions): Promise<T> {
    return this.#database.call<T>(fn, args, { timeoutMs: CALL_MS, ...options });
  }
}
