/** What must be true besides for a worker to start, found before anything is. */
import type { LoadOptions } from "../config.ts";
import { remoteProblems } from "../control/access/remote_problems.ts";
import { startProblems as agentProblems } from "../supervisor/startup.ts";

/** For `loadConfig`: every problem of the agents and of access from other machines. */
export const startProblems: NonNullable<LoadOptions["check"]> = (config, origins) => [
  ...agentProblems(config, origins),
  ...remoteProblems(config, origins),
];
