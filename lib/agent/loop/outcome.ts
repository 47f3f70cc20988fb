/** How a run ended. */

/** Why it ended; all but the first are no answer to the goal. */
export type RunStop =
  | "end_turn"
  /** It called the model as often as it may. */
  | "max_iterations"
  | "budget"
  | "repeated_call"
  | "refusal"
  | "max_tokens"
  /** Cancelled by a person, or its claim was lost. */
  | "cancelled"
  /** The process is stopping: the goal goes back. */
  | "released"
  | "error";

/** A finished run. */
export interface RunOutcome {
  readonly stop: RunStop;
  /** What the agent said last. */
  readonly text: string;
  /** Why it is no success, in one line. */
  readonly error?: string;
  /** Another attempt at the goal may help. */
  readonly retry: boolean;
  readonly iterations: number;
  readonly toolsUsed: readonly string[];
  readonly costUsd: number;
}

/** The words of `actp_agent_runs.status`. */
export function runStatus(stop: RunStop): string {
  switch (stop) {
    case "end_turn":
      return "succeeded";
    case "cancelled":
    case "released":
      return stop;
    case "max_iterations":
    case "budget":
    case "repeated_call":
      return "stopped";
    default:
      return "failed";
  }
}
