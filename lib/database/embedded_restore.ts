/** Puts a dump in the place of the embedded database's data: built beside it, checked, and only then swapped in. */
import { join } from "node:path";
import { DatabaseError } from "./database.ts";
import { removeAll } from "./dump/durable.ts";
import { DumpError, type DumpHeader, refuseUnknownMigrations } from "./dump/format.ts";
import { loadDump } from "./dump/load.ts";
import { readDumpHeader } from "./dump/read.ts";
import type { DumpOptions } from "./dump/write.ts";
import { EMBEDDED_ENGINE, embeddedTransaction, type Engine } from "./embedded_engine.ts";
import {
  currentDump,
  EMBEDDED_FILES,
  emptyDraft,
  finishSwap,
  programOf,
  swapIn,
  undoSwap,
} from "./embedded_folder.ts";
import { lockEmbedded } from "./embedded_lock.ts";
import { appliedVersions, migrate, type SqlConnection } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What a restore came to. */
export interface RestoreSummary {
  readonly file: string;
  readonly rows: number;
  /** ISO 8601; the moment that the dump shows. */
  readonly at: string;
  readonly program: string;
  readonly postgres: string;
  /** Migrations that its schema lacked, applied after it was loaded. */
  readonly migrated: readonly string[];
  /** Where the former data is kept; null where there was none, or where it was elsewhere. */
  readonly aside: string | null;
}

/** How a restore goes. */
export interface RestoreOptions extends DumpOptions {
  readonly engine?: Engine;
  /** More to do to the restored database before it takes its place. */
  readonly finish?: (connection: SqlConnection) => Promise<void>;
}

/**
 * Restores the dump into `folder`, which nobody may have open.
 * @throws FolderInUseError; DumpError where the dump is not sound, too new, or does not fit; then nothing has changed
 */
export async function restoreEmbedded(
  folder: string,
  file: string,
  options: RestoreOptions = {},
): Promise<RestoreSummary> {
  const lock = await lockEmbedded(folder);
  try {
    await finishSwap(folder, Date.now());
    return await restoreLocked(folder, file, options);
  } finally {
    lock.release();
  }
}

/** Puts back the data that the last restore has replaced. @returns whether there was any */
export async function undoRestore(folder: string): Promise<boolean> {
  const lock = await lockEmbedded(folder);
  try {
    await finishSwap(folder, Date.now());
    return await undoSwap(folder, EMBEDDED_ENGINE.major, Date.now());
  } finally {
    lock.release();
  }
}

/**
 * Carries data of another major version over, which only its own PostgreSQL could read, by the dump that provably
 * holds all of it. @throws DatabaseError with the steps to take where there is none; nothing has changed then
 */
export async function carryOver(
  folder: string,
  major: string,
  engine: Engine,
  options: DumpOptions,
): Promise<void> {
  const dump = await currentDump(folder);
  if (!dump) throw cannotCarryOver(major, engine, await programOf(folder));
  try {
    await restoreLocked(folder, dump.file, { ...options, engine }, dump.sha256);
  } catch (error) {
    throw new DatabaseError(
      `its data is of PostgreSQL ${major} and the dump ${dump.file}, which holds all of it, cannot be restored: ${
        (error as Error).message
      }. Nothing was changed.`,
      { transient: false, cause: error },
    );
  }
}

/** The dump's own schema, its rows, and then what this program has migrated since. In one transaction. */
export async function loadWithSchema(
  connection: SqlConnection,
  file: string,
  options: DumpOptions,
): Promise<{ header: DumpHeader; sha256: string; rows: number; migrated: string[] }> {
  const known = new Set(MIGRATIONS.map(({ version }) => version));
  const loaded = await loadDump(connection, file, async (header) => {
    refuseUnknownMigrations(header, known);
    await migrate(connection, new Set(header.migrations));
  }, options);
  const migrated = (await migrate(connection)).map(({ version, name }) => `${version}_${name}`);
  return { ...loaded, migrated };
}

/**
 * Loads a dump into a database of a server that has nothing of ours, or our schema of the dump without anything in it.
 * @throws DumpError where it has more
 */
export async function loadIntoNew(
  connection: SqlConnection,
  file: string,
  options: DumpOptions,
): Promise<RestoreSummary> {
  await refuseUsed(connection, await readDumpHeader(file));
  const { header, rows, migrated } = await loadWithSchema(connection, file, options);
  const { at, program, postgres } = header;
  return { file, rows, at, program, postgres, migrated, aside: null };
}

async function refuseUsed(connection: SqlConnection, { migrations }: DumpHeader): Promise<void> {
  const applied = await appliedVersions(connection);
  const further = MIGRATIONS.filter(({ version }) => applied.has(version) && !migrations.includes(version));
  if (further.length > 0) {
    throw new DumpError(
      "the database's schema is newer than the dump's: restore it into a database without a schema",
    );
  }
  const used = await connection.rows(
    "select to_regclass('public.actp_workflow_tasks') is not null as used",
  );
  if (used[0]?.used !== true) return;
  const [tasks] = await connection.rows("select exists (select from public.actp_workflow_tasks) as any");
  if (tasks?.any === true) {
    throw new DumpError(
      "the database has tasks already, and a server's database is not replaced: give a new one",
    );
  }
}

async function restoreLocked(
  folder: string,
  file: string,
  { engine = EMBEDDED_ENGINE, finish, ...options }: RestoreOptions,
  sha256?: string,
): Promise<RestoreSummary> {
  const draft = await emptyDraft(folder);
  try {
    const pglite = await engine.open(draft);
    const loaded = await embeddedTransaction(pglite, async (connection) => {
      const loaded = await loadWithSchema(connection, file, options);
      await finish?.(connection);
      return loaded;
    }).finally(() => pglite.close());
    if (sha256 !== undefined && loaded.sha256 !== sha256) {
      throw new DumpError("it is another dump than the one that was taken of the data");
    }
    const { header, rows, migrated } = loaded;
    const aside = await swapIn(folder, Date.now());
    const { at, program, postgres } = header;
    return { file, rows, at, program, postgres, migrated, aside: aside ?? null };
  } catch (error) {
    await removeAll(join(folder, EMBEDDED_FILES.draft));
    throw error;
  }
}

function cannotCarryOver(
  major: string,
  engine: Engine,
  program: string | undefined,
): DatabaseError {
  const former = program ? `actp-worker ${program}` : "the actp-worker that you had before";
  return new DatabaseError(
    `its data is of PostgreSQL ${major}, this program has ${engine.major}, and no dump is known to hold all of it. Nothing ` +
      `was changed. Run \`db dump\` once with ${former}, then start this program again; or go on from an older dump with ` +
      "`actp-worker db restore FILE --force`.",
    { transient: false },
  );
}
