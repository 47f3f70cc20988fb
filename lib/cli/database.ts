/** `db`: migrate, status, prune, dump and restore; and `config show`. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Config, databaseKind, describeConfig } from "../config.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { type Backup, listBackups, migrateWithBackup } from "../database/dump/backups.ts";
import { listAsides } from "../database/embedded_folder.ts";
import { migrationPrintout } from "../database/migrate.ts";
import { type Migration, MIGRATIONS } from "../database/migrations.ts";
import { backupPolicy } from "../database/open.ts";
import { openPostgres } from "../database/postgres.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { homePaths } from "../paths.ts";
import { KEPT, prune, prunedText } from "../queue/retention.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { addDump, mib } from "./database_dump.ts";
import { addRestore } from "./database_restore.ts";
import { EXIT, ExitError } from "./exit.ts";
import { duration, paint, table, type Terminal } from "./terminal.ts";

interface DatabaseStatus {
  readonly server_version: string;
  readonly migrations: readonly string[];
  readonly tables: readonly { name: string; bytes: string; rows_estimate: string }[];
}

/** Adds the command groups. */
export function addDatabase(program: Command, context: CliContext): void {
  const db = program.command("db").description("the database: its schema, its size, dumps of it");
  db.command("migrate")
    .description("bring the schema up to date")
    .option("--print", "print the SQL instead, for an SQL editor; may be run again without harm")
    .action((options: { print?: boolean }, command: Command) =>
      options.print
        ? context.terminal.out(migrationPrintout())
        : migrateDatabase(context, command.optsWithGlobals())
    );
  db.command("status")
    .description("which migrations are applied, how large the tables are, and how far back they go")
    .action((_options, command: Command) => databaseStatus(context, command.optsWithGlobals()));
  db.command("prune")
    .description("delete now what is older than it is to be kept (TASK_RETENTION_DAYS and others)")
    .action((_options, command: Command) => pruneDatabase(context, command.optsWithGlobals()));

  addDump(db, context);
  addRestore(db, context);

  program.command("config").description("the configuration")
    .command("show")
    .description("every setting; secrets are masked")
    .option("--origin", "also where each value came from")
    .action((_options, command: Command) => showConfig(context, command.optsWithGlobals()));
}

async function migrateDatabase(context: CliContext, options: GlobalOptions): Promise<void> {
  const { config } = await readConfig(context, options);
  const kind = databaseKind(config);
  if (kind === "supabase" && !config.supabaseDbUrl) {
    throw new ExitError(
      EXIT.badConfig,
      "Supabase's API cannot change a schema: set SUPABASE_DB_URL to the project's Postgres connection string, " +
        "or paste the output of `actp-worker db migrate --print` into its SQL editor.",
    );
  }
  if (kind === "embedded" && await findDaemon(config.home)) {
    return report(context, options, []); // the daemon migrates its own database when it starts
  }
  report(context, options, kind === "embedded" ? await migrateOwn(config) : await migrateServer(config));
}

async function migrateOwn(config: Config): Promise<string[]> {
  const database = await (await import("../database/embedded.ts")).openEmbedded(homePaths(config.home).db);
  try {
    return (await migrateWithBackup(database, backupPolicy(config))).map(migrationName);
  } finally {
    await database.close();
  }
}

async function migrateServer(config: Config): Promise<string[]> {
  const database = openPostgres(config.supabaseDbUrl ?? config.databaseUrl!, { connections: 1 });
  try {
    return (await database.migrate()).map(migrationName);
  } finally {
    await database.close();
  }
}

function migrationName({ version, name }: Migration): string {
  return `${version}_${name}`;
}

function report({ terminal }: CliContext, options: GlobalOptions, applied: string[]): void {
  if (options.json) return terminal.out(JSON.stringify({ applied }));
  if (applied.length === 0) terminal.out("the schema is up to date");
  for (const name of applied) terminal.out(`applied ${name}`);
}

async function databaseStatus(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const [description, status, oldest] = await withDatabase(
    config,
    async (database) =>
      [
        database.description,
        await database.call<DatabaseStatus>("actp_database_status"),
        await oldestRows(database),
      ] as const,
  );
  const missing = MIGRATIONS.filter(({ version }) => !status.migrations.includes(version)).map((
    { version },
  ) => version);
  const unknown = status.migrations.filter((version) =>
    !MIGRATIONS.some((migration) => migration.version === version)
  );
  if (options.json) {
    return terminal.out(
      JSON.stringify({ database: description, ...status, oldest, missing, unknown, ...await kept(config) }),
    );
  }
  terminal.out(`${description}, PostgreSQL ${status.server_version}`);
  terminal.out(
    missing.length > 0
      ? paint(
        terminal,
        "red",
        `schema: ${missing.length} migrations are missing; run \`actp-worker db migrate\``,
      )
      : `schema: up to date (${status.migrations.at(-1)})`,
  );
  if (unknown.length > 0) {
    terminal.out(paint(terminal, "yellow", `schema: applied by a newer program: ${unknown.join(", ")}`));
  }
  const keptFor = (name: string) => {
    const setting = KEPT[name];
    if (setting === undefined) return "";
    return config[setting] === 0 ? "for ever" : `${config[setting]} days`;
  };
  const rows = status.tables.map(({ name, bytes, rows_estimate }) => [
    name,
    `${(Number(bytes) / 2 ** 20).toFixed(1)} MiB`,
    `about ${rows_estimate}`,
    keptFor(name),
    oldest[name] ?? "",
  ]);
  for (const line of table(["TABLE", "SIZE", "ROWS", "KEPT", "OLDEST"], rows)) terminal.out(line);
  showKept(terminal, await kept(config));
}

interface Kept {
  readonly backups: readonly (Omit<Backup, "at"> & { readonly at: string })[];
  readonly set_aside: readonly string[];
}

/** The dumps in the home folder, and what restores have replaced. */
async function kept(config: Config): Promise<Kept> {
  const { backups, db } = homePaths(config.home);
  return {
    backups: (await listBackups(backups)).map((backup) => ({
      ...backup,
      at: new Date(backup.at).toISOString(),
    })),
    set_aside: (await listAsides(db)).map(({ path }) => path),
  };
}

function showKept(terminal: Terminal, { backups, set_aside }: Kept): void {
  if (backups.length > 0) terminal.out("");
  const rows = backups.map(({ file, reason, at, bytes }) => [
    at,
    `${duration(Date.now() - Date.parse(at))} ago`,
    reason,
    mib(bytes),
    file,
  ]);
  if (rows.length > 0) {
    for (const line of table(["DUMPED", "", "FOR", "SIZE", "FILE"], rows)) terminal.out(line);
  }
  for (const path of set_aside) {
    terminal.out(`set aside by a restore: ${path} (remove it when you are content)`);
  }
}

/** By table; nothing where the schema is too old to tell, which the status itself says. */
async function oldestRows(database: Database): Promise<Record<string, string | null>> {
  try {
    const parts = ["actp_oldest_rows", "actp_oldest_history"].map((fn) =>
      database.call<Record<string, string | null>>(fn)
    );
    return Object.assign({}, ...await Promise.all(parts));
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "PGRST202") return {};
    throw error;
  }
}

async function pruneDatabase(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const signal = new AbortController().signal;
  const gone = await withDatabase(
    config,
    (database) => prune(database, config, { clock: systemClock, signal }),
  );
  if (options.json) terminal.out(JSON.stringify(gone));
  else terminal.out(`pruned ${prunedText(gone) ?? "nothing: nothing is old enough"}`);
  if (gone.busy) throw new ExitError(EXIT.failed, "A worker is pruning at this moment: try again later.");
}

async function showConfig(
  { terminal, ...context }: CliContext,
  options: GlobalOptions & { origin?: boolean },
) {
  const loaded = await readConfig({ terminal, ...context }, options);
  const rows = describeConfig(loaded);
  if (options.json) {
    const shown = rows.map(({ key, value, origin }) => [key, options.origin ? { value, origin } : value]);
    return terminal.out(JSON.stringify(Object.fromEntries(shown)));
  }
  const cells = rows.map(({ key, value, origin }) =>
    options.origin ? [key, value ?? "–", origin] : [key, value ?? "–"]
  );
  for (const line of table(options.origin ? ["SETTING", "VALUE", "FROM"] : ["SETTING", "VALUE"], cells)) {
    terminal.out(line);
  }
}
