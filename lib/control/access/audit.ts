/** The audit log: who changed what through the control API, and who was refused. Durable, and bounded. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { logger } from "../../log.ts";

/** One entry, as `GET /audit` shows it. */
export interface AuditEntry {
  /** Grows from entry to entry. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** `home token`, `token:<name>`, `dashboard`, `jobs API`, `command line (<user>)`; `unknown` for who was refused. */
  readonly caller: string;
  readonly method: string;
  readonly path: string;
  /** Null: it began, and the worker ended before there was an answer. */
  readonly status: number | null;
  /** What was asked, in a few words and without secrets. */
  readonly summary: string;
}

/** What is written of a request. */
export type AuditNote = Omit<AuditEntry, "id" | "at">;

/** One page, newest first. */
export interface AuditPage {
  readonly entries: AuditEntry[];
  readonly next_cursor: string | null;
}

/** Older entries give way to newer ones. */
export const MOST_ENTRIES = 100_000;
const PRUNE_EVERY = 500;
/** Refused attempts that are written in one minute; of the others only the number is. */
export const REFUSALS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

/** The audit log of one home folder. What cannot be written is told by the log of the worker, and stops nothing. */
export class AuditLog {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  #written = 0;
  #minute = -Infinity;
  #refusals = 0;
  #untold = 0;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Notes a change that begins; it is on the disk when this returns. Call {@link end} with what it came to. */
  begin(note: AuditNote): number | undefined {
    return this.#write(note);
  }

  /** Notes how a change ended; `summary` where more is known of it by now. */
  end(id: number | undefined, status: number, summary?: string): void {
    if (id === undefined) return;
    this.#orComplain(() => {
      this.#database.prepare("update audit set status = ?, summary = coalesce(?, summary) where id = ?")
        .run(status, summary ?? null, id);
    });
  }

  /** Notes a refused attempt, if there have not been too many within this minute. */
  refused(note: AuditNote): void {
    const now = this.#clock.monotonic();
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#refusals = 0;
      this.#tellUntold();
    }
    if (this.#refusals++ < REFUSALS_A_MINUTE) this.#write(note);
    else this.#untold++;
  }

  /** Entries, newest first. `since`: ms since the epoch; `before`: a cursor. */
  list(
    { since, before, limit = 50 }: {
      readonly since?: number;
      readonly before?: string;
      readonly limit?: number;
    } = {},
  ): AuditPage {
    this.#tellUntold();
    const rows = this.#database.prepare(
      `select cast(id as text) as id, at, caller, method, path, status, summary from audit
       where id < ? and at >= ? order by audit.id desc limit ?`,
    ).all(
      before === undefined ? Number.MAX_SAFE_INTEGER : Number(before),
      since === undefined ? "" : new Date(since).toISOString(),
      limit,
    );
    const entries = rows.map((row) => ({ ...row })) as unknown as AuditEntry[];
    return { entries, next_cursor: entries.length === limit ? entries.at(-1)!.id : null };
  }

  #tellUntold(): void {
    const untold = this.#untold;
    if (untold === 0) return;
    this.#untold = 0;
    const summary = `${untold} more attempts were refused within a minute and are not listed`;
    this.#write({ caller: "unknown", method: "", path: "", status: 403, summary });
  }

  #write({ caller, method, path, status, summary }: AuditNote): number | undefined {
    return this.#orComplain(() => {
      const { lastInsertRowid } = this.#database.prepare(
        "insert into audit (at, caller, method, path, status, summary) values (?, ?, ?, ?, ?, ?)",
      ).run(new Date(this.#clock.now()).toISOString(), caller, method, path, status, summary);
      if (++this.#written % PRUNE_EVERY === 1) {
        this.#database.prepare("delete from audit where id <= ?").run(Number(lastInsertRowid) - MOST_ENTRIES);
      }
      return Number(lastInsertRowid);
    });
  }

  #orComplain<T>(write: () => T): T | undefined {
    try {
      return write();
    } catch (error) {
      logger("control").error(`The audit log cannot be written: ${(error as Error).message}`);
      return undefined;
    }
  }
}
