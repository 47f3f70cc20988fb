/** Is there room on the disks for what tasks make? */
import { statfs } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { type Check, type Finding, ok } from "./check.ts";

const GIB = 2 ** 30;

/** Checks the disks of these folders, which need not exist yet. With less than `minFreeBytes` nothing is claimed. */
export function diskCheck(folders: readonly string[], minFreeBytes: number): Check {
  return {
    name: "disk space",
    async run() {
      const rooms = await Promise.all(
        [...new Set(folders)].map(async (folder) => ({ folder, free: await freeBytes(folder) })),
      );
      return judgeDisk(rooms, minFreeBytes);
    },
  };
}

/** The fullest disk decides. Pure. */
export function judgeDisk(
  rooms: readonly { readonly folder: string; readonly free: number }[],
  minFreeBytes: number,
): Finding {
  const { folder, free } = rooms.reduce((least, room) => room.free < least.free ? room : least);
  const detail = `${gib(free)} GiB free for ${folder}`;
  if (free >= 2 * minFreeBytes) return ok(detail);
  const need = `${gib(minFreeBytes)} GiB are needed (WORKER_MIN_FREE_BYTES)`;
  const fix = "make room, or choose a folder on another disk";
  return free < minFreeBytes
    ? { status: "fail", detail: `${detail}: nothing is claimed, ${need}`, fix }
    : { status: "warn", detail: `${detail}: it gets tight, ${need}`, fix };
}

/** Of the folder's disk; of the nearest folder above it that exists. */
async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await promisify(statfs)(folder);
    return bavail * bsize;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT" || dirname(folder) === folder) throw error;
    return await freeBytes(dirname(folder));
  }
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}
