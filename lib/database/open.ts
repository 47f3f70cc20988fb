/** Chooses the driver that the configuration asks for. */
import type { Config } from "../config.ts";
import { homePaths } from "../paths.ts";
import type { Database } from "./database.ts";
import type { BackupPolicy } from "./dump/backups.ts";
import type { DumpOptions } from "./dump/write.ts";
import type { EmbeddedDatabase } from "./embedded.ts";

/**
 * Opens the worker's database. Drivers are loaded only when they are used.
 * @throws FolderInUseError for an embedded database that another process has open
 */
export async function openDatabase(config: Config): Promise<Database> {
  if (config.supabaseUrl && config.supabaseKey) {
    const { openSupabase } = await import("./supabase.ts");
    return openSupabase({ url: config.supabaseUrl, key: config.supabaseKey });
  }
  if (config.databaseUrl) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(config.databaseUrl);
  }
  return await openOwnDatabase(config);
}

/**
 * Opens the embedded database of the home folder and brings its schema up to date; one that is in use is dumped before.
 * @throws FolderInUseError; Error where it cannot be opened, dumped or migrated
 */
export async function openOwnDatabase(config: Config, options: DumpOptions = {}): Promise<EmbeddedDatabase> {
  const { openEmbedded } = await import("./embedded.ts");
  const { migrateWithBackup } = await import("./dump/backups.ts");
  const database = await openEmbedded(homePaths(config.home).db, options);
  try {
    await migrateWithBackup(database, backupPolicy(config), options);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Where automatic dumps go, and how many stay. */
export function backupPolicy({ home, backupKeep }: Pick<Config, "home" | "backupKeep">): BackupPolicy {
  return { folder: homePaths(home).backups, keep: backupKeep };
}
