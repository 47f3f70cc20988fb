/** The lock on the embedded database's folder. */
import { type FolderLock, lockFolder } from "../process/folder_lock.ts";

/** The folder is in use by another process: only one may open it, or it is damaged without a word. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
}

/** Takes the folder, and makes it where there is none. @throws {@link FolderInUseError} */
export async function lockEmbedded(folder: string): Promise<FolderLock> {
  // PGlite makes its files world-readable; the folder around them is what keeps others out.
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await Deno.chmod(folder, 0o700);
  const lock = lockFolder(folder);
  if (lock) return lock;
  throw new FolderInUseError(
    `the embedded database in ${folder} is in use by another actp-worker (see \`actp-worker status\`)`,
  );
}
