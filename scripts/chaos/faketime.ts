/** Clocks that can be set, by libfaketime where it is installed. */
import { join } from "node:path";

const ROOT = "/usr/lib";

/** The library's path, or undefined. On Debian: `apt-get install faketime`. */
export async function findFaketime(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const path = join(ROOT, `${Deno.build.arch}-linux-gnu`, "faketime", "libfaketimeMT.so.1");
  try {
    return (await Deno.stat(path)).isFile ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The environment of a program whose wall clock follows the file, within a second; its monotonic one does not. */
export function faketimeEnv(library: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** Its threads may still ask for the time when the library has let go of its memory, at the very end of a process. */
export const FAKETIME_EXCUSES: readonly string[] = ["SIGSEGV"];

/** Removes what the library shares between processes, and a killed one leaves: the next of that id would not start. */
export async function tidyFaketime(pid: number): Promise<void> {
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) {
    await Deno.remove(join("/dev/shm", name)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
