/** PGlite on one folder, as the embedded database uses it. Who opens it holds the lock of the folder around it. */
import type { PGliteInterface } from "@electric-sql/pglite";
import { DatabaseError } from "./database.ts";
import { isTransientState } from "./direct.ts";
import type { SqlConnection } from "./migrate.ts";

/** A PGlite of one major version of PostgreSQL, whose folders no other opens. */
export interface Engine {
  /** Of PostgreSQL; what `PG_VERSION` in its folders says. */
  readonly major: string;
  /** Opens the data folder, or makes one. */
  open(dataDir: string): Promise<PGliteInterface>;
}

/** The one that this program ships with. */
export const EMBEDDED_ENGINE: Engine = {
  major: "18",
  async open(dataDir) {
    const { PGlite } = await import("@electric-sql/pglite");
    return await PGlite.create({
      dataDir,
      // 180 MB resident instead of 308 MB; the queue's working set is small.
      startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"],
    });
  },
};

/** One transaction; whatever else is asked waits until it is over. @throws DatabaseError, and what `work` throws */
export async function embeddedTransaction<T>(
  pglite: PGliteInterface,
  work: (connection: SqlConnection) => Promise<T>,
): Promise<T> {
  let ofWork: unknown;
  try {
    return await pglite.transaction((transaction) =>
      work({
        execute: (text) => transaction.exec(text).then(() => {}, rethrowExplained),
        rows: (text, values) =>
          transaction.query<Record<string, unknown>>(text, values && [...values])
            .then(({ rows }) => rows, rethrowExplained),
      }).catch((error) => {
        ofWork = error;
        throw error;
      })
    );
  } catch (error) {
    throw error === ofWork ? error : explainEmbeddedError(error);
  }
}

/** Names an error of the embedded database as the port does. */
export function explainEmbeddedError(error: unknown): DatabaseError {
  const { code, message } = error as { code?: string; message?: string };
  return new DatabaseError(`the embedded database answered: ${message ?? error}`, {
    code,
    transient: code !== undefined && isTransientState(code),
    answer: message,
    cause: error,
  });
}

function rethrowExplained(error: unknown): never {
  throw explainEmbeddedError(error);
}
