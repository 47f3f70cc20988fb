/** How the agents fare, in figures. `agent` is an id from the configuration. */
import type { AgentStatus } from "../supervisor/agent_status.ts";
import type { AgentState } from "../supervisor/state.ts";
import type { AgentObserver } from "../supervisor/supervised_agent.ts";
import type { Instruments } from "./instruments.ts";
import { labelBound } from "./label_bound.ts";

/** The agents' part of the metrics. */
export interface AgentMetrics {
  readonly observer: AgentObserver;
  /** Takes what is true now. */
  show(agents: readonly AgentStatus[]): void;
}

/** Declared agents may call the ends of their runs as they like. */
const MAX_OUTCOMES = 30;
const MIB = 2 ** 20;
const STATES: readonly AgentState[] = [
  "stopped",
  "starting",
  "running",
  "stopping",
  "restarting",
  "backing off",
  "crashed",
];

/** Makes them. */
export function agentMetrics({ counter, gauge }: Instruments): AgentMetrics {
  const state = gauge("actp_agent_state", "1 for the state that the agent is in, 0 for the others.", [
    "agent",
    "state",
  ]);
  const healthy = gauge("actp_agent_healthy", "Whether the agent says that it is well; only while it runs.", [
    "agent",
  ]);
  const memory = gauge("actp_agent_memory_bytes", "Memory of the agent's process and all that it started.", [
    "agent",
  ]);
  const restarts = counter("actp_agent_restarts_total", "Processes started after the first.", ["agent"]);
  const crashes = counter("actp_agent_crashes_total", "Processes that ended without being asked to.", [
    "agent",
  ]);
  const runs = counter("actp_agent_runs_total", "Goals that were worked on to an end.", ["agent", "outcome"]);
  const tokens = counter("actp_agent_tokens_total", "Tokens of the model, by kind.", ["agent", "kind"]);
  const cost = counter("actp_agent_cost_usd_total", "What the model cost, in US dollars.", ["agent"]);
  const started = new Set<string>();
  const bound = labelBound(MAX_OUTCOMES);
  return {
    observer: {
      started(agent) {
        if (started.has(agent)) restarts.inc({ agent });
        else restarts.inc({ agent }, 0);
        started.add(agent);
      },
      crashed: (agent) => crashes.inc({ agent }),
      runEnded(agent, outcome, usage) {
        runs.inc({ agent, outcome: bound(outcome.slice(0, 60)) });
        if (!usage) return;
        tokens.inc({ agent, kind: "input" }, usage.input_tokens);
        tokens.inc({ agent, kind: "output" }, usage.output_tokens);
        tokens.inc({ agent, kind: "cache_read" }, usage.cache_read_tokens);
        tokens.inc({ agent, kind: "cache_write" }, usage.cache_write_tokens);
        cost.inc({ agent }, usage.cost_usd);
      },
    },
    show(agents) {
      state.reset();
      healthy.reset();
      memory.reset();
      for (const { agent_id: agent, status, health, memory_mb, enabled } of agents) {
        if (!enabled && status === "stopped") continue;
        for (const each of STATES) {
          state.set({ agent, state: each.replace(" ", "_") }, each === status ? 1 : 0);
        }
        crashes.inc({ agent }, 0);
        if (health) healthy.set({ agent }, health.status === "healthy" ? 1 : 0);
        if (memory_mb !== null) memory.set({ agent }, memory_mb * MIB);
      }
    },
  };
}
