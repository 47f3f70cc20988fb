/** Copies of the embedded database's data, taken while it is open, so that a dump holds nobody up. */
import { statfs } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { lockFolder } from "../process/folder_lock.ts";
import { removeAll } from "./dump/durable.ts";
import { EMBEDDED_FILES } from "./embedded_folder.ts";

/**
 * Copies a data folder (0700) while nothing is written to it. What PostgreSQL has promised is in its files, as after a
 * crash: the copy recovers when it is opened. On file systems that can share blocks nothing is copied at all.
 */
export async function copyData(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o700 });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyData(join(from, name), join(to, name));
    else if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Refuses a copy that would leave less than so much free. @throws Error */
export async function refuseWithoutRoom(data: string, minFreeBytes: number): Promise<void> {
  const [need, { bavail, bsize }] = await Promise.all([folderBytes(data), promisify(statfs)(data)]);
  if (bavail * bsize - need >= minFreeBytes) return;
  const mib = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  throw new Error(
    `a copy of ${data} needs ${mib(need)} MiB and ${
      mib(minFreeBytes)
    } MiB must stay free (WORKER_MIN_FREE_BYTES), but only ` +
      `${mib(bavail * bsize)} MiB are; make room`,
  );
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) bytes += await folderBytes(join(folder, name));
    else if (isFile) bytes += (await Deno.stat(join(folder, name))).size;
  }
  return bytes;
}

/**
 * Removes copies that nobody reads any more, such as those of a killed process.
 * @param youngestMs leaves alone what is younger: it may be about to be opened
 */
export async function removeSnapshots(folder: string, youngestMs = 0): Promise<void> {
  const snapshots = join(folder, EMBEDDED_FILES.snapshots);
  let names: string[];
  try {
    names = (await Array.fromAsync(Deno.readDir(snapshots))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const name of names) {
    const { mtime } = await Deno.stat(join(snapshots, name));
    if (mtime && Date.now() - mtime.getTime() < youngestMs) continue;
    const lock = lockFolder(join(snapshots, name));
    if (!lock) continue; // somebody reads it
    lock.release();
    await removeAll(join(snapshots, name));
  }
}
