/** Files that are there after a power cut: written beside their place, flushed, and only then given their name. */
import { dirname, join } from "node:path";

/** Flushes a file or a folder to the disk. */
export async function flush(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

/** Flushes everything below a folder, and the folder itself. */
export async function flushTree(folder: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) await flushTree(join(folder, name));
    else if (isFile) await flush(join(folder, name));
  }
  await flush(folder);
}

/** Renames, and returns when that is on the disk. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await Deno.rename(from, to);
  await flush(dirname(to));
}

/** Writes a small file (0600) so that a reader finds the old content or the new one, whatever happens meanwhile. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const draft = `${path}.partial`;
  await Deno.writeTextFile(draft, text, { mode: 0o600 });
  await flush(draft);
  await renameDurably(draft, path);
}

/** Removes a file or a folder with all that is in it, where it is there. @returns whether it was */
export async function removeAll(path: string): Promise<boolean> {
  try {
    await Deno.remove(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
