/** Short paths for programs that open sockets in their temp folder: those have at most 104 bytes (macOS) or 108 (Linux). */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownMark } from "./orphans.ts";

/** Makes a private folder in the system's temp folder, by whose name the next daemon of the home knows it. */
export function makeShortTempDir(): Promise<string> {
  return Deno.makeTempDir({ prefix: prefixOf(ownMark()) });
}

/**
 * Does the work with another path of the folder, short enough for sockets inside it: a link in a private folder of
 * the system's temp folder, which is gone afterwards. What is in the folder stays.
 */
export async function withShortPath<T>(folder: string, work: (path: string) => Promise<T>): Promise<T> {
  const own = await makeShortTempDir();
  try {
    const path = join(own, "t");
    await Deno.symlink(folder, path);
    return await work(path);
  } finally {
    await Deno.remove(own, { recursive: true });
  }
}

/** Removes what a daemon that carried the mark and was killed has left, without following any link. */
export async function sweepShortTempDirs(mark: string): Promise<void> {
  const top = tmpdir();
  for await (const { name, isDirectory } of Deno.readDir(top)) {
    if (!isDirectory || !name.startsWith(prefixOf(mark))) continue;
    const path = join(top, name);
    const found = await Deno.lstat(path).catch(() => undefined);
    if (found?.uid === Deno.uid()) await Deno.remove(path, { recursive: true });
  }
}

/** The beginning of the mark is enough to tell homes apart, and short. */
function prefixOf(mark: string | undefined): string {
  return mark === undefined ? "actp-" : `actp-${mark.replace("home-", "").slice(0, 12)}-`;
}
