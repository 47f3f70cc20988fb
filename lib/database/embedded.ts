/** The driver for the embedded PostgreSQL (PGlite), one process at a time on a folder of its own. */
import { join } from "node:path";
import { type CallOptions, DatabaseError } from "./database.ts";
import { bounded, directCaller, isTransientState } from "./direct.ts";
import { lockFolder } from "../process/folder_lock.ts";
import { migrate } from "./migrate.ts";
import type { PostgresDatabase } from "./postgres.ts";

/** The folder is in use by another process: only one may open it, or it is damaged without a word. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
}

const DATA = "data";

/** Whether a database has been made in `folder`. */
export function embeddedExists(folder: string): Promise<boolean> {
  return exists(join(folder, DATA));
}

/**
 * Opens (or makes) the database in `folder`. Making one needs 500 MB more memory than using it, which the process
 * never gives back: a daemon has it made by a process of its own (`prepare-database`).
 * @throws {@link FolderInUseError}
 */
export async function openEmbedded(folder: string): Promise<PostgresDatabase> {
  // PGlite makes its files world-readable; the folder around them is what keeps others out.
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await Deno.chmod(folder, 0o700);
  const lock = lockFolder(folder);
  if (!lock) {
    throw new FolderInUseError(
      `the embedded database in ${folder} is in use by another actp-worker (see \`actp-worker status\`)`,
    );
  }
  try {
    if (!await exists(join(folder, DATA))) await makeData(folder);
    const pglite = await openPglite(join(folder, DATA));
    // A statement that has been handed over runs to its end, whoever still waits for it.
    const run = (text: string, values: string[], call: CallOptions) =>
      bounded(call, async () => (await pglite.query<Record<string, unknown>>(text, values)).rows);
    let closed = false;
    return {
      description: "the embedded database",
      call: directCaller(run, explainEmbeddedError),
      listen: (channel, notify) => pglite.listen(channel, notify),
      async migrate() {
        try {
          return await pglite.transaction((transaction) =>
            migrate({
              execute: async (text) => void await transaction.exec(text),
              rows: async (text) => (await transaction.query<Record<string, unknown>>(text)).rows,
            })
          );
        } catch (error) {
          throw explainEmbeddedError(error);
        }
      },
      async close() {
        if (closed) return;
        closed = true;
        await pglite.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw new DatabaseError(`Cannot open the embedded database in ${folder}: ${(error as Error).message}`, {
      transient: false,
      cause: error,
    });
  }
}

/** Makes the data beside its final place, so that one that was cut short by a crash is never taken for whole. */
async function makeData(folder: string): Promise<void> {
  const draft = join(folder, `${DATA}.new`);
  await Deno.remove(draft, { recursive: true }).catch(ignoreMissing);
  await (await openPglite(draft)).close();
  await Deno.rename(draft, join(folder, DATA));
}

async function openPglite(dataDir: string) {
  const { PGlite } = await import("@electric-sql/pglite");
  return await PGlite.create({
    dataDir,
    // 180 MB resident instead of 308 MB; the queue's working set is small.
    startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"],
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, ignoreMissing) ?? false;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function explainEmbeddedError(error: unknown): DatabaseError {
  const { code, message } = error as { code?: string; message?: string };
  return new DatabaseError(`the embedded database answered: ${message ?? error}`, {
    code,
    transient: code !== undefined && isTransientState(code),
    answer: message,
    cause: error,
  });
}
