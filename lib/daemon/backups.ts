/** The dumps that the daemon takes of its embedded database: one a day, and one when it stops. */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import {
  backupName,
  type BackupPolicy,
  listBackups,
  pruneBackups,
  takeBackup,
} from "../database/dump/backups.ts";
import { removeAll } from "../database/dump/durable.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { removeSnapshots } from "../database/embedded_snapshot.ts";
import { logger } from "../log.ts";
import { ensurePrivateDir } from "../paths.ts";
import { baseEnvironment, describeExit, runProgram } from "../process.ts";
import type { Service } from "../service.ts";
import { selfCommand } from "./self.ts";

/** What the daily dump is made of. */
export interface DailyBackupOptions {
  readonly database: Pick<EmbeddedDatabase, "snapshot" | "folder">;
  readonly policy: BackupPolicy;
  /** Between two dumps. */
  readonly intervalMs: number;
  /** With less disk than this left after it, no dump is taken. */
  readonly minFreeBytes: number;
  readonly clock: Clock;
  /** Dumps a copy of the data folder into a file; in a process of its own, unless told. */
  readonly dump?: (snapshot: string, file: string, signal: AbortSignal) => Promise<void>;
}

/** Not at once: what has just been started has other things to do, and may be stopped again. */
const FIRST_MS = 10 * 60_000;
/** After a failure, and so that a machine that slept is not a day late. */
const LOOK_EVERY_MS = 10 * 60_000;
const DUMP_WITHIN_MS = 3_600_000;
/** A copy that a killed command has left. */
const LEFT_BEHIND_MS = 2 * DUMP_WITHIN_MS;
/** Beyond this a stop takes no dump, unless the program is being upgraded: about a second's work. */
const STOP_LIMIT_BYTES = 32 * 2 ** 20;

/** Takes the daily dump. Its failures are logged, and tried again. */
export function dailyBackups(options: DailyBackupOptions): Service {
  const { clock, intervalMs, policy } = options;
  const log = logger("daemon", "backup");
  return {
    name: "backup",
    async run(signal) {
      await clock.sleep(FIRST_MS, signal);
      while (!signal.aborted) {
        try {
          const last = (await listBackups(policy.folder)).find(({ reason }) => reason === "daily");
          // A clock that was set back must not put it off for long.
          const age = last ? Math.abs(clock.now() - last.at) : Infinity;
          if (age >= intervalMs) await takeDaily(options, signal);
        } catch (error) {
          if (!signal.aborted) {
            log.error(`The database was not dumped: ${(error as Error).message}`, { error });
          }
        }
        await clock.sleep(Math.min(LOOK_EVERY_MS, intervalMs), signal);
      }
    },
  };
}

async function takeDaily(
  { database, policy, minFreeBytes, clock, dump = dumpInChild }: DailyBackupOptions,
  signal: AbortSignal,
): Promise<void> {
  await ensurePrivateDir(policy.folder);
  await removeSnapshots(database.folder, LEFT_BEHIND_MS);
  const snapshot = await database.snapshot(minFreeBytes);
  const file = join(policy.folder, backupName("daily", clock.now()));
  try {
    await dump(snapshot, file, signal);
  } finally {
    await removeAll(snapshot);
  }
  await pruneBackups(policy.folder, policy.keep, clock.now());
  logger("daemon", "backup").info("dumped the database", { file, bytes: (await Deno.stat(file)).size });
}

/** Its 200 MB of memory go with it. */
async function dumpInChild(snapshot: string, file: string, signal: AbortSignal): Promise<void> {
  const passed = ["DENO_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const result = await runProgram({
    ...selfCommand(["dump-database", snapshot, file]),
    env: { ...baseEnvironment(), ...Object.fromEntries(passed) },
    signal,
    timeoutMs: DUMP_WITHIN_MS,
  });
  if (result.code !== 0) {
    throw new Error(`the process that dumps it ${describeExit(result)}: ${result.stderrTail.join(" ")}`);
  }
}

/**
 * Dumps the database, in which nothing is done any more, and closes it. From that dump the data is carried over, should
 * the next start be that of a program with another major version of PostgreSQL: that is why a stop for an upgrade dumps
 * it whatever its size. Never fails: without the dump it is closed all the same.
 */
export async function closeWithBackup(
  database: EmbeddedDatabase,
  policy: BackupPolicy,
  { upgrading, limitBytes = STOP_LIMIT_BYTES }: { upgrading: boolean; limitBytes?: number },
): Promise<void> {
  const log = logger("daemon", "backup");
  try {
    const bytes = await tableBytes(database);
    if (policy.keep > 0 && (upgrading || bytes <= limitBytes)) {
      await takeBackup(database, policy, "stop");
    } else log.debug("no dump at this stop", { bytes, keep: policy.keep });
  } catch (error) {
    log.error(`The database was not dumped at the end: ${(error as Error).message}`, { error });
  } finally {
    await database.close();
  }
}

async function tableBytes(database: EmbeddedDatabase): Promise<number> {
  const [row] = await database.transaction((connection) =>
    connection.rows(
      `select coalesce(sum(pg_total_relation_size(oid)), 0)::text as bytes from pg_catalog.pg_class
       where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    )
  );
  return Number(row!.bytes);
}

/** Tells later whether the program's file was replaced since: whoever stops it then upgrades it. */
export async function programMark(program = selfCommand([]).program): Promise<() => Promise<boolean>> {
  const mark = async () => {
    try {
      const { ino, size, mtime } = await Deno.stat(program);
      return [ino, size, mtime?.getTime()].join(" ");
    } catch {
      return "gone";
    }
  };
  const before = await mark();
  return async () => before !== await mark();
}
