/** Locks that hold on the whole machine: what only one program of a person may do at a time, such as driving Safari. */
import { join } from "node:path";
import { backoffDelay } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { ensurePrivateDir } from "../paths.ts";
import { lockFolder } from "./folder_lock.ts";

/** How to wait for a lock. */
export interface MachineLockOptions {
  /** Where the locks lie; {@link machineLockFolder} unless told. Whoever uses the same folder shares its locks. */
  readonly folder?: string;
  /** Called once, when somebody else is found to hold the lock. */
  readonly onWait?: () => void;
  readonly clock?: Clock;
}

/** Between two looks at a lock that somebody holds, in ms; drawn anew each time, so that nobody is always late. */
const LOOK_AGAIN = { firstMs: 50, maxMs: 1_000, jitter: 0.5 };

/**
 * Runs `work` while holding the lock of this name, which no other worker of the same person holds meanwhile, whatever
 * its home folder. The system frees the lock when its holder ends, however it ends. Not to be nested.
 * @throws the signal's reason when it aborts before `work` begins; an Error if there is no folder for locks
 */
export async function withMachineLock<T>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  options: MachineLockOptions = {},
): Promise<T> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) throw new Error(`${JSON.stringify(name)} cannot name a lock`);
  const clock = options.clock ?? systemClock;
  signal.throwIfAborted();
  const folder = join(options.folder ?? machineLockFolder(), name);
  await ensurePrivateDir(folder);
  for (let looks = 1;; looks++) {
    signal.throwIfAborted();
    const lock = lockFolder(folder);
    if (lock) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (looks === 1) options.onWait?.();
    await clock.sleep(backoffDelay(looks, LOOK_AGAIN), signal);
  }
}

/**
 * The folder of a person's locks: `~/Library/Application Support/actp-worker/locks` on a Mac, else
 * `$XDG_STATE_HOME/actp-worker/locks` or `~/.local/state/actp-worker/locks`. The system's temp and cache folders will
 * not do: others may write there, or they are cleaned while a lock is held.
 * @throws Error when the environment names no home folder
 */
export function machineLockFolder(
  env: Readonly<Record<string, string | undefined>> = Deno.env.toObject(),
  os: string = Deno.build.os,
): string {
  if (os !== "darwin" && env.XDG_STATE_HOME?.startsWith("/")) {
    return join(env.XDG_STATE_HOME, "actp-worker", "locks");
  }
  if (!env.HOME) throw new Error("Cannot lock: HOME is not set, so there is no folder for locks; set HOME.");
  return os === "darwin"
    ? join(env.HOME, "Library", "Application Support", "actp-worker", "locks")
    : join(env.HOME, ".local", "state", "actp-worker", "locks");
}
