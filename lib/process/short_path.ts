/** Short names for folders whose own are long: the path of a socket has at most 104 bytes (macOS) or 108 (Linux). */
import { join } from "node:path";

/**
 * Does the work with another path of the folder, short enough for sockets inside it: a link in a private folder of
 * the system's temp folder, which is gone afterwards. What is in the folder stays.
 */
export async function withShortPath<T>(folder: string, work: (path: string) => Promise<T>): Promise<T> {
  const own = await Deno.makeTempDir({ prefix: "actp-" });
  try {
    const path = join(own, "t");
    await Deno.symlink(folder, path);
    return await work(path);
  } finally {
    await Deno.remove(own, { recursive: true });
  }
}
