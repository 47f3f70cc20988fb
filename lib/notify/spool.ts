/** Notifications that the database has not taken yet, on this machine's disk: neither an outage nor a crash loses them. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Clock, systemClock } from "../clock.ts";
import { logger } from "../log.ts";
import { DamagedFileError, openSqliteFile, setAside } from "../sqlite_file.ts";
import type { Notification } from "./notification.ts";
import type { Delivery } from "./routing.ts";

/** One notification with where it goes. */
export interface Spooled {
  readonly notification: Notification & { readonly id: string };
  readonly deliveries: readonly Delivery[];
  /** Ms since the epoch. */
  readonly raisedAt: number;
}

const SCHEMA = `
pragma journal_mode = wal;
create table if not exists notifications (
  id text primary key,
  -- {notification, deliveries, raisedAt}
  entry text not null
) strict;
`;

/**
 * Opens the spool; a damaged one is set aside as `<path>.corrupt-<time>`, reported, and a new one begun.
 * @throws where the file cannot be opened for another reason (rights, full disk, locked)
 */
export function openSpool(path: string, clock: Clock = systemClock): Spool {
  try {
    return new Spool(path);
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    const aside = setAside(path, clock);
    logger("notify").error(
      `${error.message}; it was set aside as ${aside}: notifications in it may not have been sent`,
    );
    return new Spool(path);
  }
}

/** The file. Every method throws what SQLite does, e.g. for a full disk. */
export class Spool {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;

  /** @throws {@link DamagedFileError}, or where it cannot be opened */
  constructor(path: string) {
    this.#database = openSqliteFile("spool of notifications", path, SCHEMA);
    this.#database.exec("pragma synchronous = full");
    this.#insert = this.#database.prepare("insert or replace into notifications (id, entry) values (?, ?)");
    this.#remove = this.#database.prepare("delete from notifications where id = ?");
  }

  /** All that wait, the oldest first. */
  all(): Spooled[] {
    const rows = this.#database.prepare("select entry from notifications order by rowid").all();
    return rows.map(({ entry }) => JSON.parse(String(entry)) as Spooled);
  }

  /** It is on the disk when this returns. */
  add(one: Spooled): void {
    this.#insert.run(one.notification.id, JSON.stringify(one));
  }

  /** The database has it now, or never will. */
  remove(id: string): void {
    this.#remove.run(id);
  }

  close(): void {
    this.#database.close();
  }
}
