/** Chooses the driver that the configuration asks for. */
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Database } from "./database.ts";
import type { PostgresDatabase } from "./postgres.ts";

/**
 * Opens the worker's database. Drivers are loaded only when they are used.
 * @throws FolderInUseError for an embedded database that another process has open
 */
export async function openDatabase(config: Config): Promise<Database | PostgresDatabase> {
  if (config.supabaseUrl && config.supabaseKey) {
    const { openSupabase } = await import("./supabase.ts");
    return openSupabase({ url: config.supabaseUrl, key: config.supabaseKey });
  }
  if (config.databaseUrl) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres(config.databaseUrl);
  }
  const { openEmbedded } = await import("./embedded.ts");
  const database = await openEmbedded(join(config.home, "db"));
  await database.migrate();
  return database;
}
