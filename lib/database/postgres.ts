/** The driver for a PostgreSQL server, over one small pool of connections. */
import postgres from "postgres";
import { type CallOptions, type Database, DatabaseError } from "./database.ts";
import { bounded, directCaller, isTransientState } from "./direct.ts";
import { migrate, type SqlConnection } from "./migrate.ts";
import type { Migration } from "./migrations.ts";
import { openPresenceSession } from "./presence.ts";

/** How much a transaction sees of what others do meanwhile. */
export type Isolation = "read committed" | "repeatable read";

/** A PostgreSQL database that can also be migrated, dumped and loaded. */
export interface PostgresDatabase extends Database {
  migrate(): Promise<readonly Migration[]>;
  /**
   * Runs `work` in a transaction on a connection of its own: for the schema and for the database as a whole. Whatever
   * the worker does with tasks goes through `call`.
   * @throws DatabaseError, and what `work` throws
   */
  transaction<T>(work: (connection: SqlConnection) => Promise<T>, isolation?: Isolation): Promise<T>;
}

// Supabase's pooler in transaction mode: neither prepared statements nor LISTEN survive there.
const TRANSACTION_POOLER_PORT = "6543";
const RECONNECT_SECONDS = 0.25;
// How long the other calls of a pool that is given up may take.
const RETIRE_SECONDS = 2;

/**
 * Connects lazily to a `postgres://` URL.
 * @param options `connections`: the most that are open at once (4), besides one for LISTEN
 */
export function openPostgres(url: string, options: { connections?: number } = {}): PostgresDatabase {
  const { host, port } = new URL(url);
  const pooled = port === TRANSACTION_POOLER_PORT;
  const connect = (max: number, more: { max_pipeline?: number; onclose?: () => void } = {}) => {
    const settings = {
      ...more,
      max,
      connect_timeout: 10,
      // Whoever calls backs off himself; the package's own back-off would hold calls back for 20 s after an outage.
      backoff: () => RECONNECT_SECONDS,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      prepare: !pooled,
      onnotice: () => {},
      connection: { application_name: "actp-worker" },
    };
    return postgres(url, settings); // its types lack max_pipeline: a literal would be refused
  };
  // Without pipelining: a call never waits behind another on one connection.
  const connectPool = () => connect(options.connections ?? 4, { max_pipeline: 0 });
  let pool = connectPool();
  let listener: postgres.Sql | undefined;
  const retired = new Set<Promise<void>>();

  /** A network that died without a word leaves connections that never answer: late ones are not used again. */
  function retire(late: postgres.Sql): void {
    if (late !== pool) return;
    pool = connectPool();
    const ended = late.end({ timeout: RETIRE_SECONDS });
    retired.add(ended);
    void ended.finally(() => retired.delete(ended));
  }

  const run = (text: string, values: string[], call: CallOptions) => {
    const used = pool;
    const query = used.unsafe(text, values, { prepare: !pooled });
    return bounded<Record<string, unknown>[]>(call, async () => await query, (why) => {
      cancelQuery(query).catch(() => {}); // the call has its error already
      if (why === "late") retire(used);
    });
  };

  async function transaction<T>(
    work: (connection: SqlConnection) => Promise<T>,
    isolation: Isolation = "read committed",
  ): Promise<T> {
    const connection = connect(1);
    const explained = <R>(answer: Promise<R>) =>
      answer.catch((error) => {
        throw explainPostgresError(error);
      });
    let ofWork: unknown;
    try {
      return await connection.begin(
        `isolation level ${isolation}`,
        (transaction) =>
          work({
            execute: async (text) => void await explained(transaction.unsafe(text)),
            rows: (text, values = []) => explained(transaction.unsafe(text, [...values])),
          }).catch((error) => {
            ofWork = error;
            throw error;
          }),
      ) as T;
    } catch (error) {
      throw error === ofWork ? error : explainPostgresError(error);
    } finally {
      await connection.end({ timeout: 2 });
    }
  }

  return {
    description: `PostgreSQL at ${host}`,
    call: directCaller(run, explainPostgresError),
    async listen(channel, notify) {
      if (pooled) return () => Promise.resolve();
      try {
        listener ??= connect(1);
        const { unlisten } = await listener.listen(channel, notify);
        return unlisten;
      } catch (error) {
        throw explainPostgresError(error);
      }
    },
    ...(!pooled && {
      presence: (signal: AbortSignal) =>
        openPresenceSession({
          connect: (onclose) => connect(1, { onclose }),
          cancel: cancelQuery,
          explain: explainPostgresError,
        }, signal),
    }),
    migrate: () => transaction(migrate),
    transaction,
    async close() {
      await Promise.all([pool.end({ timeout: 2 }), listener?.end({ timeout: 2 }), ...retired]);
    },
  };
}

/**
 * Asks the server to stop the statement. The package's own `cancel()` drops its promise, and a server that is gone
 * would then end the program with an unhandled rejection.
 */
async function cancelQuery(query: unknown): Promise<void> {
  const { canceller } = query as { canceller?: (query: unknown) => Promise<void> };
  await canceller?.(query);
}

/** Names what a person can do about an error of the server or of the connection. */
export function explainPostgresError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/.test(code); // EPIPE is none
  // postgres.js and the system name connection faults with words (ECONNREFUSED, CONNECTION_CLOSED …).
  const transient = sqlState ? isTransientState(code) : true;
  const hint = code.startsWith("28") ? " (check DATABASE_URL)" : "";
  return new DatabaseError(`PostgreSQL answered: ${message || code}${hint}`, {
    code: sqlState ? code : undefined,
    answer: sqlState ? message : undefined,
    transient,
    cause: error,
  });
}
