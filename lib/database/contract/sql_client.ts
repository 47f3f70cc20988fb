/** Plain SQL from outside, as another program of the same database would send it. */
import postgres from "postgres";

/** A connection of its own; disposal ends it. */
export interface SqlClient extends AsyncDisposable {
  /** Runs one statement, or several without a result; throws postgres.js's own error. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** What the server has said since: notices, and its log where `client_min_messages` lets it through. */
  readonly notices: string[];
}

/** Connects lazily to a `postgres://` URL. */
export function sqlClient(url: string): SqlClient {
  const notices: string[] = [];
  const connection = postgres(url, {
    max: 1,
    onnotice: (notice) => notices.push(String(notice.message)),
    connection: { client_min_messages: "warning" },
  });
  return {
    sql: async (text) => await connection.unsafe(text),
    notices,
    [Symbol.asyncDispose]: () => connection.end({ timeout: 2 }),
  };
}
