/** Passes the database's hints on to the agents' processes, so that a goal need not wait for their next poll. */
import { backoffDelay } from "../backoff.ts";
import { aborted, type Clock, within } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";

/** As the functions of the queue and of the goals send them. */
const CHANNEL = "actp_tasks";
const GOALS = "goals:";
const APPROVALS = "approvals";
const CALL_MS = 30_000;

/** Who is told. */
export interface Wakeable {
  wake(agentId: string): void;
  wakeAll(): void;
}

/** What one hint means for the agents. */
export function passOn(payload: string, agents: Wakeable): void {
  if (payload.startsWith(GOALS)) agents.wake(payload.slice(GOALS.length));
  else if (payload === APPROVALS) agents.wakeAll();
}

/** Listens until the signal aborts; where hints cannot be had, agents look for goals by themselves. */
export function goalHints(database: Database, agents: Wakeable, clock: Clock): Service {
  const log = logger("supervisor");
  return {
    name: "goal hints",
    async run(signal) {
      for (let failures = 1; database.listen && !signal.aborted; failures++) {
        try {
          const stop = await within(clock, CALL_MS, signal, async (over) => {
            const stop = await database.listen!(CHANNEL, (payload) => passOn(payload, agents));
            if (over.aborted) await stop(); // nobody waits for it any more
            return stop;
          });
          agents.wakeAll(); // what was sent before is lost
          await aborted(signal);
          await within(clock, CALL_MS, undefined, () => stop())
            .catch((error) => log.debug(`unsubscribing failed: ${(error as Error).message}`));
        } catch (error) {
          if (signal.aborted) return;
          const message = `no hints about goals, agents poll only: ${(error as Error).message}`;
          if (failures === 1) log.warn`${message}`;
          await clock.sleep(backoffDelay(failures, { firstMs: 1000, maxMs: 60_000 }), signal);
        }
      }
    },
  };
}
