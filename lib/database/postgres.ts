/** The driver for a PostgreSQL server, over one small pool of connections. */
import postgres from "postgres";
import { type CallOptions, type Database, DatabaseError } from "./database.ts";
import { directCaller, isTransientState } from "./direct.ts";
import { migrate } from "./migrate.ts";
import type { Migration } from "./migrations.ts";

/** A PostgreSQL database that can also be migrated. */
export interface PostgresDatabase extends Database {
  migrate(): Promise<readonly Migration[]>;
}

const DEFAULT_TIMEOUT_MS = 15_000;
// Supabase's pooler in transaction mode: neither prepared statements nor LISTEN survive there.
const TRANSACTION_POOLER_PORT = "6543";

/**
 * Connects lazily to a `postgres://` URL.
 * @param options `connections`: the most that are open at once (4), besides one for LISTEN
 */
export function openPostgres(url: string, options: { connections?: number } = {}): PostgresDatabase {
  const { host, port } = new URL(url);
  const pooled = port === TRANSACTION_POOLER_PORT;
  const sql = postgres(url, {
    max: options.connections ?? 4,
    connect_timeout: 10,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    prepare: !pooled,
    onnotice: () => {},
    connection: { application_name: "actp-worker" },
  });

  const run = (text: string, values: string[], call: CallOptions) =>
    bounded(sql.unsafe(text, values, { prepare: !pooled }), call);

  return {
    description: `PostgreSQL at ${host}`,
    call: directCaller(run, explainPostgresError),
    async listen(channel, notify) {
      if (pooled) return () => Promise.resolve();
      try {
        const { unlisten } = await sql.listen(channel, notify);
        return unlisten;
      } catch (error) {
        throw explainPostgresError(error);
      }
    },
    async migrate() {
      try {
        return await sql.reserve().then(async (connection) => {
          try {
            return await migrate({
              execute: async (text) => void await connection.unsafe(text),
              rows: async (text) => await connection.unsafe(text),
            });
          } finally {
            connection.release();
          }
        });
      } catch (error) {
        throw explainPostgresError(error);
      }
    },
    close: () => sql.end({ timeout: 2 }),
  };
}

/** Rejects when the time is up or the caller gives up, and asks the server to stop the statement. */
function bounded<Row>(query: postgres.PendingQuery<Row[] & postgres.MaybeRow[]>, call: CallOptions): Promise<Row[]> {
  const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const giveUp = (reason: string) => {
      finish();
      reject(new DatabaseError(reason, { transient: true }));
      query.cancel();
    };
    const abort = () => giveUp("the call was given up");
    const timer = setTimeout(() => giveUp(`PostgreSQL did not answer within ${timeoutMs} ms`), timeoutMs);
    const finish = () => {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", abort);
    };
    if (call.signal?.aborted) return abort();
    call.signal?.addEventListener("abort", abort, { once: true });
    query.then((rows) => (finish(), resolve(rows)), (error) => (finish(), reject(error)));
  });
}

/** Names what a person can do about an error of the server or of the connection. */
export function explainPostgresError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  const sqlState = /^[0-9A-Z]{5}$/.test(code);
  // postgres.js and the system name connection faults with words (ECONNREFUSED, CONNECTION_CLOSED …).
  const transient = sqlState ? isTransientState(code) : true;
  const hint = code.startsWith("28") ? " (check DATABASE_URL)" : "";
  return new DatabaseError(`PostgreSQL answered: ${message || code}${hint}`, {
    code: sqlState ? code : undefined,
    transient,
    answer: sqlState ? message : undefined,
    cause: error,
  });
}
