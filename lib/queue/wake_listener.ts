/** Passes the queue's hints on; where they cannot be had, polling goes on without them. */
import { aborted, type Clock, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import type { TaskSource, Wake } from "../task/task.ts";
import { backoffDelay } from "../backoff.ts";

const SUBSCRIBE_TIMEOUT_MS = 30_000;
const UNSUBSCRIBE_TIMEOUT_MS = 1000;

/** The part of a queue that hints come from. */
type WakeSource = Pick<TaskSource, "name" | "listen">;

/** Subscribes, again and again until it works; then stays subscribed until the signal aborts. */
export function wakeListener(source: WakeSource, onWake: (wake: Wake) => void, clock: Clock): Service {
  const log = logger("wake");
  return {
    name: `wake-ups of ${source.name}`,
    async run(signal) {
      for (let failures = 1; source.listen && !signal.aborted; failures++) {
        try {
          const stop = await within(
            clock,
            SUBSCRIBE_TIMEOUT_MS,
            signal,
            (over) => subscribed(source, onWake, over),
          );
          // What was sent before the subscription stood is lost: look once.
          onWake({ kind: "pending" });
          await aborted(signal);
          await within(clock, UNSUBSCRIBE_TIMEOUT_MS, undefined, () => stop())
            .catch((error) => log.debug(`unsubscribing failed: ${(error as Error).message}`));
          return;
        } catch (error) {
          if (signal.aborted) return;
          if (failures === 1) {
            log.warn(`no wake-ups from the queue, polling only: ${(error as Error).message}`);
          }
          await clock.sleep(backoffDelay(failures, { firstMs: 1000, maxMs: 60_000 }), signal);
        }
      }
    },
  };
}

/** A subscription that comes about only after nobody waits for it any more is ended again. */
async function subscribed(source: WakeSource, onWake: (wake: Wake) => void, over: AbortSignal) {
  const stop = await source.listen!(onWake);
  if (over.aborted) await stop();
  return stop;
}
