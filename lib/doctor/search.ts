/** Looking for a program on a PATH that is not this process's own. */
import { isAbsolute, join } from "node:path";

/** Whether an executable file of that name is on the path; nothing is added to the path. */
export async function isExecutableOn(name: string, path: string): Promise<boolean> {
  const candidates = isAbsolute(name)
    ? [name]
    : path.split(":").filter(isAbsolute).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    try {
      const { isFile, mode } = await Deno.stat(candidate);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return true;
    } catch {
      continue; // absent or unreadable: for a search the same
    }
  }
  return false;
}
