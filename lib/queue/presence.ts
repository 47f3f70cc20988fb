/**
 * Holds the lock that tells the other workers that this one lives. Its tasks are given to others about a second
 * after the lock has fallen free: where it cannot be held, its leases decide, as without it.
 */
import { backoffDelay } from "../backoff.ts";
import { aborted } from "../clock.ts";
import type { DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import {
  type OpenSession,
  type PresenceOptions,
  presenceWatch,
  RECONNECT,
  REFUSED_MS,
} from "./presence_watch.ts";

const CALL_MS = 10_000;
/** How long to go without a slot: not registered yet, or all are taken. */
const NO_SLOT = { firstMs: 100, maxMs: 60_000 };

/** Holds this worker's lock and watches another's, where the database is reached directly; else does nothing. */
export function presence(options: PresenceOptions): Service {
  const open = options.database.presence;
  return {
    name: "presence",
    run: (signal) =>
      open
        ? runServices([ownPresence(options, open), presenceWatch(options, open)], signal)
        : aborted(signal),
  };
}

/** Takes the lock again whenever it is lost. */
function ownPresence({ database, workerId, clock }: PresenceOptions, open: OpenSession): Service {
  const log = logger("presence");
  let warned = false;

  /** Returns when the lock has been lost; false when there was none to take. */
  async function hold(signal: AbortSignal): Promise<boolean> {
    const ask = <T>(fn: string, args: Record<string, unknown> = {}) =>
      database.call<T>(fn, { p_worker_id: workerId, ...args }, { signal, timeoutMs: CALL_MS });
    const slot = await ask<number | null>("actp_presence_slot");
    if (slot === null) return false;
    await using session = await open(signal);
    const over = AbortSignal.any([signal, session.over]);
    await session.hold(slot, over);
    // False: the slot has become another's while this worker waited.
    if (!await ask<boolean>("actp_presence_taken", { p_slot: slot, p_pid: session.pid })) return false;
    warned = false;
    await aborted(over);
    return true;
  }

  return {
    name: "own presence",
    async run(signal) {
      for (let failures = 1; !signal.aborted; failures++) {
        let waitMs = RECONNECT.firstMs;
        try {
          if (await hold(signal)) failures = 0;
          else waitMs = backoffDelay(failures, NO_SLOT);
        } catch (error) {
          if (signal.aborted) return;
          const { message, transient = true } = error as DatabaseError;
          waitMs = transient ? backoffDelay(failures, RECONNECT) : REFUSED_MS;
          if (transient || warned) log.debug(message);
          else log.warn(`other workers cannot see whether this one lives: ${message}`);
          warned ||= !transient;
        }
        await clock.sleep(waitMs, signal);
      }
    },
  };
}
