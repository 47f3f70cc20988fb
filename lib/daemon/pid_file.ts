/** The PID file: which process is the daemon of a home folder, and where it listens. */
import { lockFolder } from "../process/folder_lock.ts";
import { homePaths } from "../paths.ts";
import { writePrivateFile } from "./private_file.ts";
import { isRunning, type ProcessId } from "./process_identity.ts";
import type { ReloadReport } from "./reload.ts";
import type { ServiceUnit } from "./service_unit.ts";

/** What the file holds. */
export interface DaemonRecord extends ProcessId {
  /** What this start of the machine is called, where the system tells. */
  readonly bootId?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly version: string;
  readonly workerId: string;
  readonly controlPort?: number;
  readonly healthPort?: number;
  /** The socket in the file system at which the control API listens as well. */
  readonly controlSocket?: string;
  /** The process that starts the daemon again after a crash, where it is our own. */
  readonly keeper?: ProcessId;
  /** The service that the daemon runs as, where a service manager started it. */
  readonly service?: ServiceUnit;
  /** What the last reload of the configuration came to. */
  readonly reload?: ReloadReport;
}

/** Another daemon runs in this home folder. */
export class AlreadyRunningError extends Error {
  override readonly name = "AlreadyRunningError";
}

/** The claim on a home folder by the one daemon that runs there. */
export interface DaemonClaim {
  /** What a predecessor left behind by ending without a goodbye, if one did. */
  readonly leftover?: DaemonRecord;
  update(record: DaemonRecord): void;
  release(): Promise<void>;
}

/**
 * Claims the home folder for this process. The lock decides, not the file: it is freed when its holder ends,
 * however it ends.
 * @throws {@link AlreadyRunningError}
 */
export async function claimHome(home: string): Promise<DaemonClaim> {
  const { pid: path } = homePaths(home);
  const lock = lockFolder(home);
  const leftover = await readDaemonRecord(home);
  if (!lock) {
    const who = leftover ? ` (pid ${leftover.pid}, since ${leftover.startedAt})` : "";
    throw new AlreadyRunningError(
      `actp-worker is already running in ${home}${who}; stop it with \`actp-worker stop\``,
    );
  }
  return {
    leftover,
    // Synchronous, so that updates never overtake each other.
    update: (record) => writePrivateFile(path, JSON.stringify(record, null, 2) + "\n"),
    async release() {
      await Deno.remove(path).catch(() => {}); // somebody has cleaned up before
      lock.release();
    },
  };
}

/** The daemon that runs in this home folder now; undefined for none, also where a stale file names a foreign process. */
export async function findDaemon(home: string): Promise<DaemonRecord | undefined> {
  const record = await readDaemonRecord(home);
  return record && await isRunning(record) ? record : undefined;
}

/** What the file says, whether or not that process still runs. */
export async function readDaemonRecord(home: string): Promise<DaemonRecord | undefined> {
  try {
    const record = JSON.parse(await Deno.readTextFile(homePaths(home).pid));
    const sound = Number.isInteger(record?.pid) && record.pid > 1 && typeof record.identity === "string";
    return sound ? record : undefined;
  } catch {
    return undefined; // missing, or cut off by a crash: the lock tells the truth
  }
}

/**
 * Whether some process holds the home folder though the file names none: it was removed or spoilt by hand. Such a
 * process cannot be proved to be a daemon of ours by its pid, and must be ended by a person.
 */
export async function heldByUnknown(home: string): Promise<boolean> {
  if (await findDaemon(home)) return false;
  try {
    await Deno.stat(home);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const lock = lockFolder(home);
  lock?.release();
  return lock === undefined;
}
