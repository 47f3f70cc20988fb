/**
 * The outbox: every outcome is on disk here before the queue is told, and stays until the queue has taken it.
 * Appends that arrive together share one transaction, since each costs a flush to the disk.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../clock.ts";
import { logger } from "../log.ts";
import { DamagedFileError, openSqliteFile, setAside } from "../sqlite_file.ts";
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

/** Outcomes that were written together: one row of the file. */
interface Group {
  readonly row: number;
  readonly ids: readonly number[];
  /** How many of them have not been forgotten. */
  left: number;
}

/** What is known of an outcome: its claim, and about how long it is in JSON. */
interface Known {
  readonly entry: JournalEntry;
  readonly group: Group;
  readonly claim: string;
  readonly size: number;
}

const SCHEMA = `
pragma journal_mode = wal;
create table if not exists outcomes (
  id integer primary key,
  -- [{source, settlement}], as they were appended; other fields mean nothing
  entries text not null,
  recorded_at text not null default current_timestamp
) strict;
`;
/** An append is on the disk when it returns; what was reported may be forgotten late, since reporting again is harmless. */
const DURABLE = "pragma synchronous = full";
const LAZY = "pragma synchronous = normal";

/** What one call reports stays well below the size that gateways take. */
const MAX_BATCH_CHARACTERS = 4_000_000;

/**
 * Opens the journal. A damaged one is never taken for an empty one: it is set aside as `<path>.corrupt-<time>`,
 * reported, and a new one begun; the tasks it knew of are done again when their leases end.
 * @throws where the file cannot be opened for another reason (rights, full disk, locked)
 */
export function openJournal(path: string, clock: Clock = systemClock): Journal {
  try {
    return new Journal(path);
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    const aside = setAside(path, clock);
    logger("journal").error(
      `${error.message}; it was set aside as ${aside}: outcomes in it may not have been reported`,
    );
    return new Journal(path);
  }
}

/** A durable queue of outcomes to report. The file is read when it is opened; from then on memory knows it. */
export class Journal {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #remove: StatementSync;
  /** Every outcome by the journal's number for it, oldest first. */
  readonly #entries = new Map<number, Known>();
  readonly #claims = new Set<string>();
  readonly #onAppend = new Set<() => void>();
  #waiting: Waiting[] = [];
  #nextId = 1;

  /** Opens (or makes) the file; see {@link openJournal}. @throws {@link DamagedFileError}, or where it cannot be opened */
  constructor(path: string) {
    this.#database = openSqliteFile("journal", path, SCHEMA);
    this.#insert = this.#database.prepare("insert into outcomes (entries) values (?)");
    this.#update = this.#database.prepare("update outcomes set entries = ? where id = ?");
    this.#remove = this.#database.prepare("delete from outcomes where id = ?");
    try {
      for (const row of this.#database.prepare("select id, entries from outcomes order by id").all()) {
        const read: Omit<JournalEntry, "id">[] = JSON.parse(String(row.entries));
        const entries = read.map(({ source, settlement }) => ({ id: this.#nextId++, source, settlement }));
        const claims = entries.map(({ source, settlement }) => claimKey(source, settlement.task));
        for (const claim of claims) this.#claims.add(claim);
        this.#remember(Number(row.id), entries, claims);
      }
    } catch (error) {
      this.#database.close();
      throw new DamagedFileError(`The journal ${path} is damaged: ${(error as Error).message}`, {
        cause: error,
      });
    }
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
    const found: JournalEntry[] = [];
    let size = 0;
    for (const one of this.#entries.values()) {
      if (one.entry.source !== source) continue;
      if (found.length >= limit || (found.length > 0 && size >= MAX_BATCH_CHARACTERS)) break;
      size += one.size;
      found.push(one.entry);
    }
    return found;
  }

  /** How many outcomes wait, over all sources. */
  size(): number {
    return this.#entries.size;
  }

  /** Whether an outcome for this claim waits here. */
  has(source: string, task: Pick<Task, "id" | "token">): boolean {
    return this.#claims.has(claimKey(source, task));
  }

  /** Forgets outcomes that the queue has taken (or refused for good). */
  forget(ids: readonly number[]): void {
    const gone = new Set(ids);
    const touched = new Map<Group, number>();
    for (const id of gone) {
      const group = this.#entries.get(id)?.group;
      if (group) touched.set(group, (touched.get(group) ?? 0) + 1);
    }
    this.#inTransaction(LAZY, () => {
      for (const [group, going] of touched) {
        if (going === group.left) this.#remove.run(group.row);
        else this.#update.run(written(this.#entriesOf(group).filter(({ id }) => !gone.has(id))), group.row);
      }
    });
    for (const id of gone) {
      const known = this.#entries.get(id);
      if (!known) continue;
      this.#entries.delete(id);
      this.#claims.delete(known.claim);
      known.group.left--;
    }
  }

  /** Replaces an outcome that the queue cannot take by one that it can. */
  replace(id: number, outcome: Outcome): void {
    const known = this.#entries.get(id);
    if (!known) return;
    const entry = { ...known.entry, settlement: { ...known.entry.settlement, outcome } };
    const all = this.#entriesOf(known.group).map((one) => one.id === id ? entry : one);
    this.#inTransaction(DURABLE, () => this.#update.run(written(all), known.group.row));
    this.#entries.set(id, { ...known, entry, size: sizeOf(outcome) });
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
    const entries: JournalEntry[] = [];
    const claims: string[] = [];
    for (const { source, settlement: { task, outcome, durationMs } } of batch) {
      const claim = claimKey(source, task);
      if (this.#claims.has(claim)) continue;
      this.#claims.add(claim);
      claims.push(claim);
      const { id, token, type, attempt } = task;
      entries.push({
        id: this.#nextId++,
        source,
        settlement: { task: { id, token, type, attempt }, outcome, durationMs },
      });
    }
    try {
      if (entries.length > 0) {
        let row = 0;
        this.#inTransaction(DURABLE, () => {
          row = Number(this.#insert.run(written(entries)).lastInsertRowid);
        });
        this.#remember(row, entries, claims);
      }
    } catch (error) {
      for (const claim of claims) this.#claims.delete(claim);
      for (const { reject } of batch) {
        reject(new Error(`Cannot write the journal: ${(error as Error).message}`, { cause: error }));
      }
      return;
    }
    for (const { resolve } of batch) resolve();
    for (const listener of this.#onAppend) listener();
  }

  #remember(row: number, entries: readonly JournalEntry[], claims: readonly string[]): void {
    const group: Group = { row, ids: entries.map(({ id }) => id), left: entries.length };
    entries.forEach((entry, i) =>
      this.#entries.set(entry.id, {
        entry,
        group,
        claim: claims[i],
        size: sizeOf(entry.settlement.outcome),
      })
    );
  }

  /** What is left of a group. */
  #entriesOf({ ids }: Group): JournalEntry[] {
    return ids.flatMap((id) => this.#entries.get(id)?.entry ?? []);
  }

  #rollBack(): void {
    try {
      this.#database.exec("rollback");
    } catch {
      // SQLite rolls back by itself when the disk is full; the first error tells.
    }
  }

  #inTransaction(durability: string, work: () => void): void {
    this.#database.exec(durability);
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

function claimKey(source: string, task: Pick<Task, "id" | "token">): string {
  return `${source} ${task.id} ${task.token}`;
}

function written(entries: readonly JournalEntry[]): string {
  return JSON.stringify(entries);
}

/** About how long the outcome is in JSON. */
function sizeOf(outcome: Outcome): number {
  if (outcome.kind !== "done") return JSON.stringify(outcome).length;
  return 50 + (outcome.output === null ? 4 : (JSON.stringify(outcome.output) ?? "").length);
}
