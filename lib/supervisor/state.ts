/** The states that a supervised agent is in, and what leads from one to another. Pure. */

/**
 * `crashed`: its process has ended as it should not, and nothing starts it again. `backing off`: it starts again when
 * its delay is over. `restarting`: its old process is ending, and then a new one starts.
 */
export type AgentState =
  | "starting"
  | "running"
  | "backing off"
  | "restarting"
  | "stopping"
  | "stopped"
  | "crashed";

/**
 * What happens to an agent.
 * - `start`, `stop`, `restart`: somebody wants it
 * - `ready`: its process does its work
 * - `ended`: its process is gone, with everything that it had started
 * - `finished`: its process is gone, and that is all right
 * - `delay`: it is to start again later
 * - `due`: now it is later
 */
export type AgentEvent = "start" | "stop" | "restart" | "ready" | "ended" | "finished" | "delay" | "due";

/** What an event makes of a state; an event that is not named there changes nothing. */
export const TRANSITIONS: Readonly<Record<AgentState, Readonly<Partial<Record<AgentEvent, AgentState>>>>> = {
  stopped: { start: "starting", restart: "starting" },
  starting: {
    ready: "running",
    ended: "crashed",
    finished: "stopped",
    stop: "stopping",
    restart: "restarting",
  },
  running: { ended: "crashed", finished: "stopped", stop: "stopping", restart: "restarting" },
  crashed: { start: "starting", restart: "starting", due: "starting", delay: "backing off", stop: "stopped" },
  "backing off": { due: "starting", start: "starting", restart: "starting", stop: "stopped" },
  restarting: { ended: "starting", finished: "starting", stop: "stopping" },
  stopping: { ended: "stopped", finished: "stopped", start: "restarting", restart: "restarting" },
};

/** The state after the event; the same one where the event does not matter in it. */
export function nextState(state: AgentState, event: AgentEvent): AgentState {
  return TRANSITIONS[state][event] ?? state;
}

/** Whether a process of the agent exists in this state. */
export function hasProcess(state: AgentState): boolean {
  return state === "starting" || state === "running" || state === "restarting" || state === "stopping";
}
