/** `db restore`: a dump in the place of the database, which is kept aside. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Config, databaseKind } from "../config.ts";
import { findKeeper } from "../daemon/keeper_file.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { DumpError, type DumpHeader, refuseUnknownMigrations } from "../database/dump/format.ts";
import { readDumpHeader } from "../database/dump/read.ts";
import type { DumpOptions } from "../database/dump/write.ts";
import { dataMajor, listAsides } from "../database/embedded_folder.ts";
import {
  loadIntoNew,
  restoreEmbedded,
  type RestoreSummary,
  undoRestore,
} from "../database/embedded_restore.ts";
import type { SqlConnection } from "../database/migrate.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import { openPostgres } from "../database/postgres.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { directUrl, refuseForeignHome, showProgress } from "./database_dump.ts";
import { EXIT, ExitError } from "./exit.ts";
import { type Prompter, terminalPrompter } from "./prompter.ts";

interface RestoreFlags {
  readonly force?: boolean;
  readonly paused?: boolean;
  readonly undo?: boolean;
}

/** Adds the command. `prompter` asks; the terminal unless given. */
export function addRestore(db: Command, context: CliContext, prompter = terminalPrompter): void {
  db.command("restore [file]")
    .description("put a dump in the place of the database, which is kept aside; the worker must be stopped")
    .option("--force", "do not ask before the database is replaced")
    .option("--paused", "claim nothing afterwards until `actp-worker queues resume '*'`")
    .option("--undo", "put back what the last restore has replaced")
    .addHelpText(
      "after",
      `
The dump is checked and built up as a whole before anything is replaced; an older schema is brought up to date. Tasks are
as they were when it was taken: what was done since is done again, unless you look first (--paused).
A Postgres server is restored into only where it holds nothing of actp-worker yet.

Examples:
  $ actp-worker stop && actp-worker db restore backup.jsonl.gz --paused && actp-worker start
  $ actp-worker db restore --undo`,
    )
    .action((file: string | undefined, flags: RestoreFlags, command: Command) =>
      restore(context, command.optsWithGlobals(), file, flags, prompter)
    );
}

async function restore(
  context: CliContext,
  options: GlobalOptions,
  given: string | undefined,
  flags: RestoreFlags,
  prompter: () => Promise<Prompter>,
): Promise<void> {
  const { terminal } = context;
  if ((given === undefined) !== (flags.undo ?? false)) {
    throw new ExitError(EXIT.usage, "give the file to restore, or --undo, one of them");
  }
  const { config } = await readConfig(context, options);
  if (given === undefined) return await undo(context, options, config);
  const file = resolve(context.cwd, given);
  const header = await soundHeader(file);
  const finish = flags.paused
    ? (connection: SqlConnection) => pauseAll(connection, `restored from ${header.at}`)
    : undefined;
  const how = { progress: showProgress(terminal, "restored"), finish };
  let summary: RestoreSummary;
  try {
    summary = databaseKind(config) === "embedded"
      ? await restoreOwn(context, config, file, header, flags, prompter, how)
      : await restoreServer(config, file, how);
  } catch (error) {
    throw error instanceof DumpError ? refused(file, error) : error;
  }
  terminal.endStatus();
  if (options.json) return terminal.out(JSON.stringify({ ...summary, paused: flags.paused ?? false }));
  terminal.out(`restored ${summary.rows} rows as of ${summary.at} from ${file}`);
  if (summary.migrated.length > 0) terminal.out(`migrated: ${summary.migrated.join(", ")}`);
  if (summary.aside) {
    terminal.out(`the former data is in ${summary.aside}; back to it: \`actp-worker db restore --undo\``);
  }
  if (flags.paused) terminal.out("everything is paused: `actp-worker queues resume '*'`");
}

async function restoreOwn(
  { terminal }: CliContext,
  config: Config,
  file: string,
  header: DumpHeader,
  { force }: RestoreFlags,
  prompter: () => Promise<Prompter>,
  how: DumpOptions,
): Promise<RestoreSummary> {
  await refuseRunning(config);
  await refuseForeignHome(config, "db restore");
  await ensurePrivateDir(config.home);
  const { db } = homePaths(config.home);
  if (await dataMajor(db) !== undefined && !force) {
    if (!terminal.isTerminal && prompter === terminalPrompter) {
      throw new ExitError(
        EXIT.usage,
        `There is a database in ${db}: say --force to replace it (it is kept aside).`,
      );
    }
    const question = `Replace the database in ${db} by ${
      rowsOf(header)
    } rows as of ${header.at}? It is kept aside.`;
    const choices = [{ value: "no", label: "No" }, { value: "yes", label: "Yes" }] as const;
    if (await (await prompter()).select(question, choices, "no") !== "yes") {
      throw new ExitError(EXIT.failed, "Nothing was changed.");
    }
  }
  return await restoreEmbedded(db, file, how);
}

async function restoreServer(
  config: Config,
  file: string,
  { finish, ...how }: DumpOptions & { finish?: (connection: SqlConnection) => Promise<void> },
): Promise<RestoreSummary> {
  const database = openPostgres(directUrl(config, "db restore", "`psql`"), { connections: 1 });
  try {
    return await database.transaction(async (connection) => {
      const summary = await loadIntoNew(connection, file, how);
      await finish?.(connection);
      return summary;
    });
  } finally {
    await database.close();
  }
}

async function undo({ terminal }: CliContext, options: GlobalOptions, config: Config): Promise<void> {
  if (databaseKind(config) !== "embedded") {
    throw new ExitError(EXIT.usage, "--undo is for the embedded database: a server keeps nothing aside");
  }
  await refuseRunning(config);
  await refuseForeignHome(config, "db restore --undo");
  const { db } = homePaths(config.home);
  if (!await undoRestore(db)) {
    throw new ExitError(EXIT.failed, `Nothing that this program can open was set aside in ${db}.`);
  }
  const [aside] = await listAsides(db);
  if (options.json) return terminal.out(JSON.stringify({ undone: true, aside: aside?.path ?? null }));
  terminal.out(`the former database is back; what was there until now is in ${aside?.path}`);
}

/** The database is open in the worker, and what it has in memory and in its journal is of that database. */
async function refuseRunning({ home }: Config): Promise<void> {
  const running = await findDaemon(home) ?? await findKeeper(home);
  if (!running) return;
  throw new ExitError(
    EXIT.alreadyRunning,
    `The worker of ${home} is running (pid ${running.pid}): \`actp-worker stop\` first, and \`actp-worker start\` afterwards.`,
  );
}

/** Before anybody is asked. @throws ExitError */
async function soundHeader(file: string): Promise<DumpHeader> {
  try {
    const header = await readDumpHeader(file);
    refuseUnknownMigrations(header, new Set(MIGRATIONS.map(({ version }) => version)));
    return header;
  } catch (error) {
    if (error instanceof DumpError) throw refused(file, error);
    throw new ExitError(EXIT.failed, `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function refused(file: string, error: DumpError): ExitError {
  return new ExitError(EXIT.failed, `${file} cannot be restored: ${error.message}. Nothing was changed.`);
}

async function pauseAll(connection: SqlConnection, reason: string): Promise<void> {
  await connection.rows("select public.actp_pause_tasks(p_pattern := '*', p_reason := $1::text)", [reason]);
}

function rowsOf({ tables }: DumpHeader): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}
