/**
 * Watches whether the other workers live, without asking: the workers form a ring, and each waits for the lock that
 * its neighbour holds. When it falls free the neighbour has died, or lost its connection; one that does not come back
 * within a second is dead, and its tasks are given to others.
 *
 * Only what one session saw counts: it saw the lock held, and free later, so it was not the server that went away.
 */
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import type { CallOptions, Database, DatabaseError } from "../database/database.ts";
import type { PresenceSession } from "../database/presence.ts";
import { logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import type { Wake } from "../task/task.ts";
import { Wakeup } from "../wakeup.ts";
import { wakeListener } from "./wake_listener.ts";

/** A worker that has taken its lock and not said goodbye; `pid`: the server's process for its session. */
export interface RingWorker {
  readonly id: string;
  readonly slot: number;
  readonly pid: number;
  /** Whether it holds its lock now. */
  readonly present: boolean;
}

/** `now`: the database's time, ISO 8601. */
interface Ring {
  readonly now: string;
  readonly workers: readonly RingWorker[];
}

/** The sessions of workers that die together do not all end in the same instant. */
const TOGETHER_MS = 100;
/** Long enough for a worker whose connection was cut to show that it lives. */
const GRACE_MS = 1000;
const CALL_MS = 10_000;
/** How soon a lost session is replaced. */
export const RECONNECT = { firstMs: 100, maxMs: 2000 };
/** How soon to try again what a person must allow first: a permission, or a newer schema. */
export const REFUSED_MS = 60_000;

/** Whom a worker waits for: the next one present in the order of ids, the first after the last; nobody if alone. */
export function neighbourOf(self: string, workers: readonly RingWorker[]): RingWorker | undefined {
  const others = workers.filter(({ id, present }) => present && id !== self)
    .toSorted((a, b) => a.id < b.id ? -1 : 1);
  return others.find(({ id }) => id > self) ?? others[0];
}

/** Which workers' sessions have ended of those that were `seen`, and which are seen now. */
export function compare(
  self: string,
  workers: readonly RingWorker[],
  seen: ReadonlySet<string>,
): { gone: RingWorker[]; seen: Set<string> } {
  const others = workers.filter(({ id }) => id !== self);
  return {
    gone: others.filter((worker) => !worker.present && seen.has(sessionOf(worker))),
    seen: new Set(others.filter(({ present }) => present).map(sessionOf)),
  };
}

function sessionOf({ id, pid }: RingWorker): string {
  return `${pid} ${id}`;
}

/**
 * `intervalMs`: at the most so long until the ring is read again, besides the hints of workers that come; `asks` is called
 * whenever that is done.
 */
export interface PresenceOptions {
  readonly database: Database;
  readonly workerId: string;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly asks?: () => void;
}

/** Opens a session; see `Database.presence`. */
export type OpenSession = NonNullable<Database["presence"]>;

/** Watches until the signal aborts. */
export function presenceWatch(options: PresenceOptions, open: OpenSession): Service {
  const { database, workerId, clock, intervalMs } = options;
  const log = logger("presence");
  const changed = new Wakeup();

  async function rescue(
    gone: readonly RingWorker[],
    since: string,
    session: PresenceSession,
    call: CallOptions,
  ) {
    for (const { id, pid } of gone) {
      const args = { p_worker_id: id, p_pid: pid, p_since: since };
      const tasks = await session.call<number | null>("actp_presence_rescue", args, call);
      if (tasks !== null) log.warn(`the worker ${id} has died: gave back the ${tasks} tasks that it held`);
    }
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const call = { signal, timeoutMs: CALL_MS };
    await using session = await open(signal);
    let seen: ReadonlySet<string> = new Set();

    /** Until another is to be waited for than the worker with this lock. */
    async function untilOther(slot: number | undefined, signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await changed.wait(intervalMs, clock, signal);
        options.asks?.();
        // Beside the session, which waits. Where this fails, the session itself has to tell.
        const ring = await database.call<Ring>("actp_presence_ring", {}, { ...call, signal }).catch(() =>
          undefined
        );
        const found = ring && compare(workerId, ring.workers, seen);
        if (!ring || found!.gone.length > 0 || neighbourOf(workerId, ring.workers)?.slot !== slot) return;
        seen = found!.seen;
      }
    }

    while (!signal.aborted) {
      const { workers } = await session.call<Ring>("actp_presence_ring", {}, call);
      const found = compare(workerId, workers, seen);
      if (found.gone.length > 0) {
        await clock.sleep(TOGETHER_MS, signal);
        const { now, workers } = await session.call<Ring>("actp_presence_ring", {}, call);
        const { gone, seen: left } = compare(workerId, workers, seen);
        seen = left;
        await clock.sleep(GRACE_MS, signal);
        await rescue(gone, now, session, call);
        continue;
      }
      seen = found.seen;
      const slot = neighbourOf(workerId, workers)?.slot;
      const over = new AbortController();
      const end = () => over.abort();
      const both = AbortSignal.any([signal, over.signal]);
      const free = slot === undefined ? undefined : session.untilFree(slot, both).catch((error) => {
        if (!both.aborted || session.over.aborted) throw error;
      }).finally(end);
      await Promise.all([free, untilOther(slot, both).finally(end)]);
    }
  }

  const watching: Service = {
    name: "presence of others",
    async run(signal) {
      for (let failures = 1; !signal.aborted; failures++) {
        const began = clock.monotonic();
        try {
          await watch(signal);
        } catch (error) {
          if (signal.aborted) return;
          const { message, transient = true } = error as DatabaseError;
          log.debug(`not watching other workers: ${message}`);
          if (clock.monotonic() - began > RECONNECT.maxMs) failures = 1;
          await clock.sleep(transient ? backoffDelay(failures, RECONNECT) : REFUSED_MS, signal);
        }
      }
    },
  };
  const hints = {
    name: "workers",
    ...(database.listen && {
      listen: (wake: (wake: Wake) => void) =>
        database.listen!("actp_workers", () => wake({ kind: "pending" })),
    }),
  };
  return {
    name: "presence watch",
    run: (signal) => runServices([watching, wakeListener(hints, () => changed.wake(), clock)], signal),
  };
}
