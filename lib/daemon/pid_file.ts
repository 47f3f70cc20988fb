/** The PID file: which process is the daemon of a home folder, and where it listens. */
import { lockFolder } from "../process/folder_lock.ts";
import { homePaths } from "../paths.ts";
import { processIdentity } from "./process_identity.ts";

/** What the file holds. `identity`: see {@link processIdentity}; `startedAt`: ISO 8601. */
export interface DaemonRecord {
  readonly pid: number;
  readonly identity: string;
  readonly startedAt: string;
  readonly version: string;
  readonly workerId: string;
  readonly controlPort?: number;
  readonly healthPort?: number;
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
  const leftover = await readRecord(path);
  if (!lock) {
    const who = leftover ? ` (pid ${leftover.pid}, since ${leftover.startedAt})` : "";
    throw new AlreadyRunningError(
      `actp-worker is already running in ${home}${who}; stop it with \`actp-worker stop\``,
    );
  }
  return {
    leftover,
    // Synchronous, so that updates never overtake each other.
    update(record) {
      const draft = `${path}.new`;
      Deno.writeTextFileSync(draft, JSON.stringify(record, null, 2) + "\n", { mode: 0o600 });
      Deno.renameSync(draft, path);
    },
    async release() {
      await Deno.remove(path).catch(() => {}); // somebody has cleaned up before
      lock.release();
    },
  };
}

/** The daemon that runs in this home folder now; undefined for none, also where a stale file names a foreign process. */
export async function findDaemon(home: string): Promise<DaemonRecord | undefined> {
  const record = await readRecord(homePaths(home).pid);
  if (!record || await processIdentity(record.pid) !== record.identity) return undefined;
  return record;
}

async function readRecord(path: string): Promise<DaemonRecord | undefined> {
  try {
    const record = JSON.parse(await Deno.readTextFile(path));
    return Number.isInteger(record?.pid) && record.pid > 1 ? record : undefined;
  } catch {
    return undefined; // missing, or cut off by a crash: the lock tells the truth
  }
}
