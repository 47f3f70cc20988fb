/**
 * A worker's own session at a PostgreSQL server, for the locks that tell whether workers live: held for as long as
 * the process lives, freed by the server the moment it dies (see the migration `actp_presence`).
 */
import type postgres from "postgres";
import { systemClock, within } from "../clock.ts";
import type { Database, DatabaseError } from "./database.ts";
import { bounded, directCaller, type RunStatement } from "./direct.ts";

/** One connection, never replaced by another: what it was told stays true while it lives. Throws DatabaseErrors. */
export interface PresenceSession extends AsyncDisposable {
  /** The server's process for it. */
  readonly pid: number;
  /** Aborts when the connection has ended, whoever ended it. */
  readonly over: AbortSignal;
  /** As {@link Database.call}, in this session. Not while it waits for a lock or holds one. */
  readonly call: Database["call"];
  /** Locks the slot until the session ends, as soon as nobody else does; throws when the signal aborts before. */
  hold(slot: number, signal: AbortSignal): Promise<void>;
  /** Waits until nobody holds the slot's lock, without a query or a snapshot; throws when the signal aborts before. */
  untilFree(slot: number, signal: AbortSignal): Promise<void>;
}

/** What a session needs of the driver. */
export interface PresenceDriver {
  /** One connection, lazily; calls `onclose` when it has ended. */
  connect(onclose: () => void): postgres.Sql;
  /** Asks the server to stop the statement; resolves when it has been asked. */
  cancel(query: unknown): Promise<void>;
  explain(error: unknown): DatabaseError;
}

/** What is answered at once; a server that takes longer is left behind. */
const LOOK_MS = 2000;
const CANCEL_MS = 1000;
const CANCEL_TRIES = 2;
const CANCEL_PAUSE_MS = 50;
const END_SECONDS = 1;

// No limit may end a session for being silent; the server itself notices a client that is gone.
const SET_UP = `
select pg_backend_pid() as pid, count(set_config(name,
  case name when 'client_connection_check_interval' then '10s' else '0' end, false))
from pg_catalog.pg_settings
where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout',
  'idle_in_transaction_session_timeout')
or name = 'client_connection_check_interval' and current_setting('server_version_num')::integer >= 150000`;

/** Connects, until the signal aborts. @throws DatabaseError */
export async function openPresenceSession(
  driver: PresenceDriver,
  signal: AbortSignal,
): Promise<PresenceSession> {
  const over = new AbortController();
  const sql = driver.connect(() => over.abort());
  let closing: Promise<void> | undefined;
  const close = () => {
    over.abort();
    return closing ??= sql.end({ timeout: END_SECONDS });
  };

  function send(text: string, values: string[] = []) {
    // The package would replace a connection that has ended by another one.
    if (over.signal.aborted) throw driver.explain(new Error("the session has ended"));
    return sql.unsafe(text, values, { prepare: values.length > 0 });
  }

  const run: RunStatement = (text, values, options) =>
    bounded<Record<string, unknown>[]>(options, async () => await send(text, values), close)
      .catch((error) => Promise.reject(driver.explain(error)));

  async function wait(statement: string, signal: AbortSignal): Promise<void> {
    let ended = false;
    let cancelled: Promise<void> | undefined;
    const query = send(statement);
    const cancel = async () => {
      // Again, since a request may overtake its statement, or fail. A server that does not listen is left behind.
      for (let tries = 0; tries < CANCEL_TRIES; tries++) {
        await systemClock.sleep(tries * CANCEL_PAUSE_MS); // at first for as long as the package needs to send
        if (ended) return;
        await within(systemClock, CANCEL_MS, undefined, () => driver.cancel(query)).catch(() => {});
      }
      if (!ended) await close();
    };
    const begin = () => cancelled = cancel();
    signal.addEventListener("abort", begin, { once: true });
    try {
      if (signal.aborted) begin();
      await query;
    } catch (error) {
      throw driver.explain(error);
    } finally {
      ended = true;
      signal.removeEventListener("abort", begin);
      await cancelled; // so that no request hits the next statement
    }
  }

  try {
    const [{ pid }] = await run(SET_UP, [], { signal });
    return {
      pid: Number(pid),
      over: over.signal,
      call: directCaller(run, driver.explain),
      // EXCLUSIVE is the strongest lock that needs no transaction id, which would hold vacuum back.
      hold: (slot, signal) => wait(`begin; lock table actp_presence.slot_${slot} in exclusive mode`, signal),
      async untilFree(slot, signal) {
        // Two statements in one message are one transaction, which the server ends without its client's help.
        const take = (mode: string) => `lock table actp_presence.slot_${slot} in ${mode} mode; select 'free'`;
        // A lock that is never refused, to fill the caches: looking things up while it waits would hold a snapshot.
        await run(take("access share"), [], { timeoutMs: LOOK_MS });
        await wait(take("exclusive"), signal);
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
