/** The driver for the embedded PostgreSQL (PGlite), one process at a time on a folder of its own. */
import type { PGliteInterface } from "@electric-sql/pglite";
import { join } from "node:path";
import { type CallOptions, DatabaseError } from "./database.ts";
import { bounded, directCaller } from "./direct.ts";
import { removeAll } from "./dump/durable.ts";
import type { DumpOptions, DumpSummary } from "./dump/write.ts";
import type { FolderLock } from "../process/folder_lock.ts";
import {
  EMBEDDED_ENGINE,
  embeddedTransaction,
  type Engine,
  explainEmbeddedError,
} from "./embedded_engine.ts";
import {
  dataMajor,
  EMBEDDED_FILES,
  emptyDraft,
  finishSwap,
  forgetCurrentDump,
  makeData,
  noteProgram,
  rememberCurrentDump,
} from "./embedded_folder.ts";
import { lockEmbedded } from "./embedded_lock.ts";
import { carryOver } from "./embedded_restore.ts";
import { copyData, refuseWithoutRoom } from "./embedded_snapshot.ts";
import { vacuumTables } from "./embedded_vacuum.ts";
import { migrate } from "./migrate.ts";
import type { PostgresDatabase } from "./postgres.ts";

export { FolderInUseError } from "./embedded_lock.ts";

/** The embedded database, open in this process. */
export interface EmbeddedDatabase extends PostgresDatabase {
  readonly folder: string;
  /**
   * Copies the data as it is at this moment into a folder of its own, which {@link openEmbedded} opens, here or in
   * another process. Calls wait meanwhile; whoever asked removes it.
   * @throws Error where less than `minFreeBytes` of the disk would be left
   */
  snapshot(minFreeBytes: number): Promise<string>;
  /**
   * Does for every table that needs it what PostgreSQL's autovacuum would: without it, dead rows pile up and each claim
   * looks at more of them. Calls wait while a table is worked on. Returns which tables were.
   */
  vacuum(signal: AbortSignal): Promise<readonly string[]>;
  /** Remembers a dump of it: unless something is changed afterwards, the folder tells from its close on that it is current. */
  dumped(dump: DumpSummary): void;
}

/** How a folder is opened. */
export interface EmbeddedOptions extends DumpOptions {
  /** The one that this program ships with, unless told. */
  readonly engine?: Engine;
}

/** Whether a database lies in `folder` that needs nothing but to be opened. */
export async function embeddedReady(folder: string): Promise<boolean> {
  return await dataMajor(folder) === EMBEDDED_ENGINE.major;
}

/**
 * Opens (or makes) the database in `folder`. Making one needs 500 MB more memory than using it, which the process
 * never gives back: a daemon has it made by a process of its own (`prepare-database`). Data of another major version of
 * PostgreSQL is carried over, where a dump is known to hold all of it.
 * @throws FolderInUseError; DatabaseError where the data cannot be opened, saying what to do
 */
export async function openEmbedded(folder: string, options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const { engine = EMBEDDED_ENGINE } = options;
  const lock = await lockEmbedded(folder);
  try {
    await finishSwap(folder, Date.now());
    await emptyDraft(folder); // what a killed restore has left
    const major = await dataMajor(folder);
    if (major === undefined) {
      await makeData(folder, async (draft) => await (await engine.open(draft)).close());
    } else if (major !== engine.major) {
      await carryOver(folder, major, engine, options);
    }
    await forgetCurrentDump(folder);
    await noteProgram(folder);
    return opened(folder, await engine.open(join(folder, EMBEDDED_FILES.data)), lock);
  } catch (error) {
    lock.release();
    throw new DatabaseError(`Cannot open the embedded database in ${folder}: ${(error as Error).message}`, {
      transient: false,
      cause: error,
    });
  }
}

function opened(folder: string, pglite: PGliteInterface, lock: FolderLock): EmbeddedDatabase {
  // A statement that has been handed over runs to its end, whoever still waits for it.
  const run = (text: string, values: string[], call: CallOptions) =>
    bounded(call, async () => (await pglite.query<Record<string, unknown>>(text, values)).rows);
  /** Every change has a transaction id, and they are given out in order. */
  const nextTransaction = async () => {
    const { rows } = await pglite.query<{ id: string }>(
      "select pg_snapshot_xmax(pg_current_snapshot())::text as id",
    );
    return BigInt(rows[0]!.id);
  };
  let dump: DumpSummary | undefined;
  let closed = false;
  return {
    folder,
    description: "the embedded database",
    call: directCaller(run, explainEmbeddedError),
    listen: (channel, notify) => pglite.listen(channel, notify),
    migrate: () => embeddedTransaction(pglite, migrate),
    transaction: (work) => embeddedTransaction(pglite, work),
    snapshot: (minFreeBytes) =>
      embeddedTransaction(pglite, async () => {
        await refuseWithoutRoom(join(folder, EMBEDDED_FILES.data), minFreeBytes);
        const copy = join(folder, EMBEDDED_FILES.snapshots, crypto.randomUUID());
        try {
          await copyData(join(folder, EMBEDDED_FILES.data), join(copy, EMBEDDED_FILES.data));
          return copy;
        } catch (error) {
          await removeAll(copy);
          throw error;
        }
      }),
    vacuum: (signal) => vacuumTables(pglite, signal),
    dumped: (summary) => void (dump = summary),
    async close() {
      if (closed) return;
      closed = true;
      const current = dump && await nextTransaction() === BigInt(dump.transaction) + 1n ? dump : undefined;
      await pglite.close();
      if (current) await rememberCurrentDump(folder, current);
      lock.release();
    },
  };
}
