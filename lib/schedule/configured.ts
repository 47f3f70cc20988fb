/** The routines of a worker as its configuration says, at the start and at every reload. Pure. */
import type { Config } from "../config.ts";
import { agentRoutines, type RoutineAgent } from "./agent_routines.ts";
import { machineZone } from "./local_time.ts";
import { type ResolvedRoutines, resolveRoutines } from "./resolve.ts";
import type { Routine } from "./routine.ts";

/** What has routines besides config.json. */
export interface RoutineParts {
  /** All agents that there are. */
  readonly agents: readonly RoutineAgent[];
  /** Whether an agent runs on this worker: only then do its routines. */
  readonly runs: (agentId: string) => boolean;
  /** Those of the heartbeat actions. */
  readonly heartbeats: readonly Routine[];
}

/** The zone of routines that name none. */
export function scheduleZone({ scheduleTimeZone }: Pick<Config, "scheduleTimeZone">): string {
  return scheduleTimeZone ?? machineZone();
}

/** All routines of this worker, and why some settings are left out. */
export function configuredRoutines(
  config: Pick<Config, "routines" | "scheduleTimeZone">,
  { agents, runs, heartbeats }: RoutineParts,
): ResolvedRoutines {
  return resolveRoutines({
    builtIn: [...agentRoutines(agents.filter(({ id }) => runs(id))), ...heartbeats],
    absent: agents.filter(({ id }) => !runs(id)).flatMap(({ routines }) => routines.map(({ id }) => id)),
    settings: config.routines,
    timeZone: scheduleZone(config),
  });
}
