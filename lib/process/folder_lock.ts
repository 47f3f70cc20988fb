/**
 * An exclusive lock on a folder, freed by the system when its holder ends, however it ends. It stands on SQLite's
 * file lock, which every supported runtime has and which never waits.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

/** A held lock; `release` or the end of the process frees it. */
export interface FolderLock {
  release(): void;
}

/** Takes the lock in an existing folder, or returns undefined where another process (or this one) holds it. */
export function lockFolder(folder: string): FolderLock | undefined {
  const database = new DatabaseSync(join(folder, ".lock"));
  try {
    database.exec("pragma busy_timeout = 0; pragma journal_mode = delete; begin exclusive");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) return undefined;
    throw error;
  }
}
