/** `db dump`: the database in one file, which any later version restores. */
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type Config, databaseKind } from "../config.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { backupName } from "../database/dump/backups.ts";
import { removeAll } from "../database/dump/durable.ts";
import { type DumpOptions, type DumpSummary, writeDump } from "../database/dump/write.ts";
import { openEmbedded } from "../database/embedded.ts";
import { dataMajor } from "../database/embedded_folder.ts";
import { openPostgres } from "../database/postgres.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { askDaemon, type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A copy of gigabytes takes its time. */
const SNAPSHOT_TIMEOUT_MS = 300_000;

/** Adds the command. */
export function addDump(db: Command, context: CliContext): void {
  db.command("dump [file]")
    .description("write the worker's tables into one file, while the worker runs or not")
    .option("--force", "replace the file if there is one")
    .addHelpText(
      "after",
      `
Without a file it goes into \`backups\` of the home folder. It is gzipped JSON lines, only for its owner, and independent of
PostgreSQL's version: \`db restore\` of this and every later program reads it.

Examples:
  $ actp-worker db dump
  $ actp-worker db dump /media/usb/worker.jsonl.gz`,
    )
    .action((file: string | undefined, options: { force?: boolean }, command: Command) =>
      dump(context, command.optsWithGlobals(), file, options.force ?? false)
    );
}

async function dump(
  context: CliContext,
  options: GlobalOptions,
  given: string | undefined,
  force: boolean,
): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const { backups } = homePaths(config.home);
  if (given === undefined) await ensurePrivateDir(backups);
  const file = given === undefined
    ? join(backups, backupName("manual", Date.now()))
    : resolve(context.cwd, given);
  if (!force && await Deno.stat(file).then(() => true, () => false)) {
    throw new ExitError(
      EXIT.usage,
      `${file} exists already; choose another name, or say --force to replace it`,
    );
  }
  const summary = await dumpAny(config, file, { progress: showProgress(terminal, "dumped") });
  terminal.endStatus();
  if (options.json) {
    const { transaction: _transaction, ...shown } = summary;
    return terminal.out(JSON.stringify(shown));
  }
  terminal.out(
    `dumped ${summary.rows} rows of ${Object.keys(summary.tables).length} tables into ${file} (${
      mib(summary.bytes)
    })`,
  );
}

async function dumpAny(config: Config, file: string, options: DumpOptions): Promise<DumpSummary> {
  if (databaseKind(config) !== "embedded") {
    const database = openPostgres(directUrl(config, "db dump", "`supabase db dump`"), { connections: 1 });
    return await writeDump(database, file, options).finally(() => database.close());
  }
  if (await findDaemon(config.home)) return await dumpOfWorker(config, file, options);
  const { db } = homePaths(config.home);
  if (await dataMajor(db) === undefined) {
    throw new ExitError(EXIT.failed, `There is no database in ${db} yet: there is nothing to dump.`);
  }
  await refuseForeignHome(config, "db dump");
  const database = await openEmbedded(db, options);
  try {
    const summary = await writeDump(database, file, options);
    database.dumped(summary);
    return summary;
  } finally {
    await database.close();
  }
}

/** The worker copies its data, which takes it moments, and this process dumps the copy. */
async function dumpOfWorker(config: Config, file: string, options: DumpOptions): Promise<DumpSummary> {
  const { folder } = await askDaemon<{ folder: string }>(
    config,
    "POST",
    "/database/snapshot",
    { timeoutMs: SNAPSHOT_TIMEOUT_MS },
  );
  try {
    const copy = await openEmbedded(folder);
    return await writeDump(copy, file, options).finally(() => copy.close());
  } finally {
    await removeAll(folder);
  }
}

/** Files that root makes in another account's database would keep that account's worker out. @throws ExitError 2 */
export async function refuseForeignHome({ home }: Config, command: string): Promise<void> {
  const owner = await Deno.stat(home).then(({ uid }) => uid, () => null);
  if (owner === null || owner === Deno.uid()) return;
  throw new ExitError(
    EXIT.usage,
    `${home} belongs to another account: run it as that one, \`sudo -u '#${owner}' actp-worker --home ${home} ${command} …\``,
  );
}

/** The Postgres to speak SQL with. @throws ExitError 78 where only Supabase's API is known */
export function directUrl(config: Config, command: string, instead: string): string {
  const url = databaseKind(config) === "supabase" ? config.supabaseDbUrl : config.databaseUrl;
  if (url) return url;
  throw new ExitError(
    EXIT.badConfig,
    `Supabase's API does not serve \`${command}\`: set SUPABASE_DB_URL to the project's Postgres connection string, or use ` +
      `${instead}.`,
  );
}

/** Shows how far it is, a few times a second. */
export function showProgress(terminal: Terminal, done: string): (rows: number, of: number) => void {
  let shown = 0;
  return (rows, of) => {
    const now = performance.now();
    if (now - shown < 200 && rows < of) return;
    shown = now;
    terminal.status(`${done} ${rows} of ${of} rows (${of === 0 ? 100 : Math.floor(100 * rows / of)} %)`);
  };
}

/** Bytes for people. */
export function mib(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
