/** A database whose calls are watched: how long each took and whether it worked. */
import type { Clock } from "../clock.ts";
import type { CallOptions, Database } from "./database.ts";

/** Told of every call that has ended; `error` where it failed. May not throw. */
export type CallObserver = (call: {
  /** The name of the SQL function. */
  readonly fn: string;
  readonly ms: number;
  readonly error?: Error;
}) => void;

/** The same database, with `told` hearing of its calls. */
export function observedDatabase(database: Database, told: CallObserver, clock: Clock): Database {
  return {
    get description() {
      return database.description;
    },
    async call<T>(fn: string, args?: Record<string, unknown>, options?: CallOptions): Promise<T> {
      const began = clock.monotonic();
      try {
        const answer = await database.call<T>(fn, args, options);
        told({ fn, ms: clock.monotonic() - began });
        return answer;
      } catch (error) {
        told({ fn, ms: clock.monotonic() - began, error: error as Error });
        throw error;
      }
    },
    ...database.listen && {
      listen: (channel: string, notify: (payload: string) => void) => database.listen!(channel, notify),
    },
    ...database.presence && { presence: (signal: AbortSignal) => database.presence!(signal) },
    close: () => database.close(),
  };
}
