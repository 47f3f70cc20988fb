/**
 * The outbox: every outcome is on disk here before the queue is told, and stays until the queue has taken it.
 * Appends that arrive together share one transaction, since each costs a flush to the disk.
 */
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../clock.ts";
import { logger } from "../log.ts";
import type { Outcome, Settlement, Task } from "../task/task.ts";

/** A settlement on its way, with the journal's own number for it. */
export interface JournalEntry {
  readonly id: number;
  readonly source: string;
  readonly settlement: Settlement;
}

interface Waiting {
  readonly source: string;
  readonly settlement: Settlement;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const SCHEMA = `
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists outcome (
  id integer primary key,
  source text not null,
  task_id text not null,
  token text not null,
  type text not null,
  attempt integer not null,
  outcome text not null,
  duration_ms real not null,
  recorded_at text not null default current_timestamp,
  unique (source, task_id, token)
) strict;
`;

/** What one call reports stays well below the size that gateways take. */
const MAX_BATCH_CHARACTERS = 4_000_000;
const UNSENT = `
select * from (
  select *, sum(length(outcome)) over (order by id) - length(outcome) as before
  from (select * from outcome where source = ? order by id limit ?)
) where before < ? order by id`;

/** The journal's file is damaged, or something else altogether. */
export class JournalDamagedError extends Error {
  override readonly name = "JournalDamagedError";
}

/**
 * Opens the journal. A damaged one is never taken for an empty one: it is set aside as `<path>.corrupt-<time>`,
 * reported, and a new one begun; the tasks it knew of are done again when their leases end.
 * @throws where the file cannot be opened for another reason (rights, full disk, locked)
 */
export function openJournal(path: string, clock: Clock = systemClock): Journal {
  try {
    return new Journal(path);
  } catch (error) {
    if (!(error instanceof JournalDamagedError)) throw error;
    const aside = `${path}.corrupt-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "")}`;
    for (const suffix of ["", "-wal", "-shm"]) moveIfThere(path + suffix, aside + suffix);
    logger("journal").error(
      `${error.message}; it was set aside as ${aside}: outcomes in it may not have been reported`,
    );
    return new Journal(path);
  }
}

function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec("pragma busy_timeout = 5000");
    database.exec(SCHEMA);
    const [found] = Object.values(database.prepare("pragma quick_check(1)").get() ?? {});
    if (found !== "ok") throw new Error(`malformed: ${found}`);
    return database;
  } catch (error) {
    database?.close();
    const { message } = error as Error;
    if (/not a database|malformed/.test(message)) {
      throw new JournalDamagedError(`The journal ${path} is damaged: ${message}`, { cause: error });
    }
    throw new Error(`Cannot open the journal ${path}: ${message}`, { cause: error });
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A durable queue of outcomes to report. */
export class Journal {
  readonly #database: DatabaseSync;
  #waiting: Waiting[] = [];
  readonly #onAppend = new Set<() => void>();

  /** Opens (or makes) the file; see {@link openJournal}. @throws {@link JournalDamagedError}, or where it cannot be opened */
  constructor(path: string) {
    this.#database = openDatabase(path);
  }

  /** Resolves when the outcome is on disk; a second outcome for the same claim is ignored. */
  append(source: string, settlement: Settlement): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ source, settlement, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#writeWaiting());
    });
  }

  /** The oldest outcomes for a source that it has not taken: at most `limit`, and no more than fit one call. */
  unsent(source: string, limit: number): JournalEntry[] {
    const rows = this.#database.prepare(UNSENT).all(source, limit, MAX_BATCH_CHARACTERS);
    return rows.map((row) => ({
      id: Number(row.id),
      source: String(row.source),
      settlement: {
        task: {
          id: String(row.task_id),
          token: String(row.token),
          type: String(row.type),
          attempt: Number(row.attempt),
        },
        outcome: JSON.parse(String(row.outcome)) as Outcome,
        durationMs: Number(row.duration_ms),
      },
    }));
  }

  /** How many outcomes wait, over all sources. */
  size(): number {
    return Number(this.#database.prepare("select count(*) as n from outcome").get()?.n ?? 0);
  }

  /** Whether an outcome for this claim waits here. */
  has(source: string, task: Pick<Task, "id" | "token">): boolean {
    return this.#database.prepare("select 1 from outcome where source = ? and task_id = ? and token = ?")
      .get(source, task.id, task.token) !== undefined;
  }

  /** Forgets outcomes that the queue has taken (or refused for good). */
  forget(ids: readonly number[]): void {
    this.#inTransaction(() => {
      const remove = this.#database.prepare("delete from outcome where id = ?");
      for (const id of ids) remove.run(id);
    });
  }

  /** Replaces an outcome that the queue cannot take by one that it can. */
  replace(id: number, outcome: Outcome): void {
    this.#database.prepare("update outcome set outcome = ? where id = ?").run(JSON.stringify(outcome), id);
  }

  /** Calls `listener` after each append, until the returned function is called. */
  onAppend(listener: () => void): () => void {
    this.#onAppend.add(listener);
    return () => this.#onAppend.delete(listener);
  }

  /** Writes what waits and closes the file. */
  close(): void {
    this.#writeWaiting();
    this.#database.close();
  }

  #writeWaiting(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    try {
      this.#inTransaction(() => {
        const insert = this.#database.prepare(
          `insert into outcome (source, task_id, token, type, attempt, outcome, duration_ms) values (?, ?, ?, ?, ?, ?, ?)
          on conflict (source, task_id, token) do nothing`,
        );
        for (const { source, settlement: { task, outcome, durationMs } } of batch) {
          insert.run(
            source,
            task.id,
            task.token,
            task.type,
            task.attempt,
            JSON.stringify(outcome),
            durationMs,
          );
        }
      });
    } catch (error) {
      for (const { reject } of batch) {
        reject(new Error(`Cannot write the journal: ${(error as Error).message}`, { cause: error }));
      }
      return;
    }
    for (const { resolve } of batch) resolve();
    for (const listener of this.#onAppend) listener();
  }

  #rollBack(): void {
    try {
      this.#database.exec("rollback");
    } catch {
      // SQLite rolls back by itself when the disk is full; the first error tells.
    }
  }

  #inTransaction(work: () => void): void {
    this.#database.exec("begin immediate");
    try {
      work();
      this.#database.exec("commit");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }
}
