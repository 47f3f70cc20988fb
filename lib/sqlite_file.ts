/** Small SQLite files in the home folder, for what must outlive the process. */
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "./clock.ts";

/** The file is damaged, or something else altogether. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError";
}

/**
 * Opens (or makes) the file `what`, e.g. `journal`, with its tables.
 * @throws {@link DamagedFileError}; Error where it cannot be opened for another reason (rights, full disk, locked)
 */
export function openSqliteFile(what: string, path: string, schema: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec("pragma busy_timeout = 5000");
    database.exec(schema);
    const [found] = Object.values(database.prepare("pragma quick_check(1)").get() ?? {});
    if (found !== "ok") throw new Error(`malformed: ${found}`);
    return database;
  } catch (error) {
    database?.close();
    const { message } = error as Error;
    if (/not a database|malformed/.test(message)) {
      throw new DamagedFileError(`The ${what} ${path} is damaged: ${message}`, { cause: error });
    }
    throw new Error(`Cannot open the ${what} ${path}: ${message}`, { cause: error });
  }
}

/** Renames a damaged file with what belongs to it to `<path>.corrupt-<time>`, which it returns. */
export function setAside(path: string, clock: Clock): string {
  const aside = `${path}.corrupt-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "")}`;
  for (const suffix of ["", "-wal", "-shm"]) moveIfThere(path + suffix, aside + suffix);
  return aside;
}

function moveIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
