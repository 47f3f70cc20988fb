/** The file by which a keeper, the parent that starts the daemon again after a crash, is found. */
import { join } from "node:path";
import { ensurePrivateDir } from "../paths.ts";
import { lockFolder } from "../process/folder_lock.ts";
import { writePrivateFile } from "./private_file.ts";
import { isRunning, type ProcessId, processIdentity } from "./process_identity.ts";

/** What the file holds. Times are ISO 8601. */
export interface KeeperRecord extends ProcessId {
  readonly startedAt: string;
  /** What was given to `start`. */
  readonly args: readonly string[];
  /** How often the daemon has crashed since. */
  readonly crashes: number;
  /** How its last run ended, e.g. `SIGKILL`. */
  readonly lastEnd?: string;
  readonly lastEndAt?: string;
  /** When the daemon is started again, while it waits for that. */
  readonly nextStartAt?: string;
}

/** The claim of the one keeper of a home folder. */
export interface KeeperClaim {
  update(record: KeeperRecord): void;
  release(): Promise<void>;
}

/** The variable that names the keeper's pid to the daemon. */
export const KEEPER_VARIABLE = "ACTP_KEEPER_PID";

/** Claims the home folder for this keeper; undefined where another one keeps it. */
export async function claimKeeper(home: string): Promise<KeeperClaim | undefined> {
  const folder = folderOf(home);
  await ensurePrivateDir(folder);
  const lock = lockFolder(folder);
  if (!lock) return undefined;
  const path = fileOf(home);
  return {
    update: (record) => writePrivateFile(path, JSON.stringify(record, null, 2) + "\n"),
    async release() {
      await Deno.remove(path).catch(() => {}); // somebody has cleaned up before
      lock.release();
    },
  };
}

/** The keeper that runs for this home folder now, if one does. */
export async function findKeeper(home: string): Promise<KeeperRecord | undefined> {
  try {
    const record = JSON.parse(await Deno.readTextFile(fileOf(home)));
    const sound = Number.isInteger(record?.pid) && record.pid > 1 && typeof record.identity === "string";
    return sound && await isRunning(record) ? record : undefined;
  } catch {
    return undefined; // missing, or spoilt
  }
}

/** The keeper that started this daemon; takes its name out of the environment, so that nobody else inherits it. */
export async function ownKeeper(): Promise<ProcessId | undefined> {
  const pid = Number(Deno.env.get(KEEPER_VARIABLE));
  Deno.env.delete(KEEPER_VARIABLE);
  const identity = pid > 1 && Number.isInteger(pid) ? await processIdentity(pid) : undefined;
  return identity === undefined ? undefined : { pid, identity };
}

function folderOf(home: string): string {
  return join(home, "keeper");
}

function fileOf(home: string): string {
  return join(folderOf(home), "keeper.pid");
}
