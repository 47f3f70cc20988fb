/** The folder of dumps that are taken without being asked for, and of those that were given no name. */
import { join } from "node:path";
import { ensurePrivateDir } from "../../paths.ts";
import type { EmbeddedDatabase } from "../embedded.ts";
import { timeForName, timeOfName } from "../embedded_folder.ts";
import type { Migration } from "../migrations.ts";
import { appliedVersions, pendingMigrations } from "../migrate.ts";
import { removeAll } from "./durable.ts";
import { type DumpOptions, type DumpSummary, writeDump } from "./write.ts";

/** Why a dump was taken: on its day, when the worker stopped, before a migration, or because a person asked. */
export type BackupReason = "daily" | "stop" | "migration" | "manual";

/** One dump of the folder. */
export interface Backup {
  readonly file: string;
  readonly reason: BackupReason;
  /** Wall-clock ms; when it was begun. */
  readonly at: number;
  readonly bytes: number;
}

const NAME = /^\d{8}T\d{9}Z-(daily|stop|migration|manual)\.jsonl\.gz$/;
/** What a killed process left; nothing takes as long. */
const LEFT_BEHIND_MS = 24 * 3_600_000;

/** A name for a new dump; they sort by time. */
export function backupName(reason: BackupReason, now: number): string {
  return `${timeForName(now)}-${reason}.jsonl.gz`;
}

/** The dumps of the folder, the newest first. */
export async function listBackups(folder: string): Promise<Backup[]> {
  const found: Backup[] = [];
  for (const name of await namesIn(folder)) {
    const reason = NAME.exec(name)?.[1];
    if (!reason) continue;
    const file = join(folder, name);
    const { size } = await Deno.stat(file);
    found.push({ file, reason: reason as BackupReason, at: timeOfName(name), bytes: size });
  }
  return found.toSorted((a, b) => b.at - a.at);
}

/** Those that may go: of each reason all but the newest `keep`; of stops all but the last; a person's own never. Pure. */
export function surplusBackups(backups: readonly Backup[], keep: number): Backup[] {
  const limits: Record<BackupReason, number> = { daily: keep, migration: keep, stop: 1, manual: Infinity };
  return Object.entries(limits).flatMap(([reason, limit]) =>
    backups.filter((backup) => backup.reason === reason).toSorted((a, b) => b.at - a.at).slice(limit)
  );
}

/** Removes what is more than is to be kept, and what killed processes left. */
export async function pruneBackups(folder: string, keep: number, now: number): Promise<void> {
  for (const { file } of surplusBackups(await listBackups(folder), keep)) await removeAll(file);
  for (const name of (await namesIn(folder)).filter((name) => name.endsWith(".partial"))) {
    const { mtime } = await Deno.stat(join(folder, name));
    if (mtime && now - mtime.getTime() > LEFT_BEHIND_MS) await removeAll(join(folder, name));
  }
}

/** Where automatic dumps go, and how many of each reason are kept; with 0 none are taken. */
export interface BackupPolicy {
  readonly folder: string;
  readonly keep: number;
}

/** Dumps the open embedded database into the folder, and removes older dumps. */
export async function takeBackup(
  database: EmbeddedDatabase,
  { folder, keep }: BackupPolicy,
  reason: BackupReason,
  options: DumpOptions = {},
): Promise<DumpSummary> {
  await ensurePrivateDir(folder);
  const now = Date.now();
  const dump = await writeDump(database, join(folder, backupName(reason, now)), options);
  database.dumped(dump);
  await pruneBackups(folder, keep, now);
  return dump;
}

/**
 * Migrates the embedded database; before it changes one that is in use, a dump of it is taken.
 * @throws Error where that dump cannot be taken; nothing was migrated then
 */
export async function migrateWithBackup(
  database: EmbeddedDatabase,
  policy: BackupPolicy,
  options: DumpOptions = {},
): Promise<readonly Migration[]> {
  const applied = await database.transaction(appliedVersions);
  if (applied.size > 0 && policy.keep > 0 && pendingMigrations(applied).length > 0) {
    try {
      await takeBackup(database, policy, "migration", options);
    } catch (error) {
      throw new Error(
        `The database was not migrated, because it cannot be dumped before into ${policy.folder}: ${
          (error as Error).message
        }. Make room there, or set DATABASE_BACKUP_KEEP=0 to migrate without a dump.`,
        { cause: error },
      );
    }
  }
  return await database.migrate();
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
