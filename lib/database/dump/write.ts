/** Writes a dump: streamed, a megabyte at a time, into a file that gets its name when it is whole. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { VERSION } from "../../version.ts";
import { appliedVersions, type SqlConnection } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import type { PostgresDatabase } from "../postgres.ts";
import { flush, removeAll, renameDurably } from "./durable.ts";
import { DumpError, type DumpHeader, headerLine } from "./format.ts";
import { type CatalogTable, quoted, readSequences, readTables } from "./tables.ts";

/** How a dump or a restore is watched and given up. */
export interface DumpOptions {
  readonly signal?: AbortSignal;
  /** Rows that are done, of how many. */
  readonly progress?: (done: number, of: number) => void;
}

/** A dump that was written. */
export interface DumpSummary {
  readonly file: string;
  readonly bytes: number;
  readonly rows: number;
  /** Rows by table, those that have any. */
  readonly tables: Readonly<Record<string, number>>;
  readonly postgres: string;
  /** The last migration of its schema. */
  readonly schema: string;
  /** ISO 8601; the moment that it shows. */
  readonly at: string;
  /** Of its content, as its last line says. */
  readonly sha256: string;
  /** The id of its own transaction. */
  readonly transaction: string;
}

/** What is fetched at once, in bytes; one row more at the most. */
const FETCH_BYTES = 2 ** 20;
const GZIP_LEVEL = 5;

/** PostgreSQL's text form depends on these; the same everywhere, as pg_dump has them. */
const SETTINGS = `
set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
set local extra_float_digits = 1; set local bytea_output = 'hex'; set local synchronize_seqscans = off;
set local row_security = off; set local statement_timeout = 0; set local max_parallel_workers_per_gather = 0;`;

/** Only the server knows how long its rows are: it fills an answer up to a size. */
const TAKE_FUNCTION = `
create or replace function pg_temp.actp_take(p_cursor refcursor, p_bytes integer, out lines text, out taken integer)
language plpgsql as $$
declare v_line text; v_lines text[] := '{}'; v_bytes integer := 0;
begin
  while v_bytes < p_bytes loop
    fetch p_cursor into v_line;
    exit when not found;
    v_lines := v_lines || v_line;
    v_bytes := v_bytes + octet_length(v_line);
  end loop;
  lines := array_to_string(v_lines, E'\\n');
  taken := cardinality(v_lines);
end $$;`;

/**
 * Dumps our tables, as they are at one moment, into `file` (0600); an existing file is replaced when the dump is whole.
 * @throws DumpError where there is no schema of ours; the errors of the disk and of the database
 */
export async function writeDump(
  database: Pick<PostgresDatabase, "transaction">,
  file: string,
  options: DumpOptions = {},
): Promise<DumpSummary> {
  const draft = `${file}.${crypto.randomUUID().slice(0, 8)}.partial`;
  try {
    const { header, ...rest } = await database.transaction(async (connection) => {
      const content = new DumpContent(connection, options);
      await pipeline(
        Readable.from(content.chunks(), { objectMode: true, highWaterMark: 1 }),
        createGzip({ level: GZIP_LEVEL }),
        createWriteStream(draft, { flags: "wx", mode: 0o600 }),
        { signal: options.signal },
      );
      return content.result();
    }, "repeatable read");
    await flush(draft);
    const { size } = await Deno.stat(draft);
    await renameDurably(draft, file);
    const { postgres, at, migrations } = header;
    const tables = header.tables.filter((table) => table.rows > 0).map((table) => [table.name, table.rows]);
    return {
      file,
      bytes: size,
      ...rest,
      tables: Object.fromEntries(tables),
      postgres,
      schema: migrations.at(-1)!,
      at,
    };
  } catch (error) {
    await removeAll(draft);
    throw error;
  }
}

type Header = Omit<DumpHeader, "format" | "version">;

/** The text of one dump, and what is known of it at its end. */
class DumpContent {
  readonly #connection: SqlConnection;
  readonly #options: DumpOptions;
  readonly #hash = createHash("sha256");
  #header?: Header;
  #done = 0;
  #transaction = "";

  constructor(connection: SqlConnection, options: DumpOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async *chunks(): AsyncGenerator<string> {
    await this.#connection.execute(SETTINGS);
    await this.#connection.execute(TAKE_FUNCTION);
    const tables = await readTables(this.#connection);
    this.#header = await this.#readHeader(tables);
    yield this.#line(headerLine(this.#header));
    for (const table of tables) {
      yield this.#line(JSON.stringify({ table: table.name }));
      yield* this.#rows(table);
    }
    yield this.#line(JSON.stringify({ sequences: await readSequences(this.#connection, tables) }));
    await this.#connection.execute("drop function pg_temp.actp_take(refcursor, integer)");
    yield JSON.stringify({ rows: this.#done, sha256: this.#hash.copy().digest("hex") }) + "\n";
  }

  result(): { header: Header; sha256: string; rows: number; transaction: string } {
    const sha256 = this.#hash.copy().digest("hex");
    return { header: this.#header!, sha256, rows: this.#done, transaction: this.#transaction };
  }

  async *#rows(table: CatalogTable): AsyncGenerator<string> {
    const { total } = this;
    const columns = table.columns.map(({ name }) => `${quoted(name)}::text`).join(", ");
    await this.#connection.execute(
      `declare actp_dump no scroll cursor for
       select array_to_json(array[${columns}])::text from public.${quoted(table.name)}`,
    );
    while (true) {
      const [answer] = await this.#connection.rows(
        "select lines, taken from pg_temp.actp_take('actp_dump', $1::text::integer)",
        [
          String(FETCH_BYTES),
        ],
      );
      const taken = Number(answer!.taken);
      if (taken === 0) break;
      this.#done += taken;
      this.#options.progress?.(this.#done, total);
      yield this.#line(String(answer!.lines));
    }
    await this.#connection.execute("close actp_dump");
  }

  get total(): number {
    return this.#header!.tables.reduce((sum, { rows }) => sum + rows, 0);
  }

  async #readHeader(tables: readonly CatalogTable[]): Promise<Header> {
    const applied = await appliedVersions(this.#connection);
    const ours = MIGRATIONS.map(({ version }) => version).filter((version) => applied.has(version));
    if (ours.length === 0 || tables.length === 0) {
      throw new DumpError("the database has no schema of actp-worker: there is nothing to dump");
    }
    const counted = [];
    for (const { name, columns } of tables) {
      const [row] = await this.#connection.rows(`select count(*)::text as rows from public.${quoted(name)}`);
      counted.push({ name, columns: columns.map((column) => column.name), rows: Number(row!.rows) });
    }
    const [server] = await this.#connection.rows(
      `select current_setting('server_version') as version, now()::text as at, pg_current_xact_id()::text as transaction`,
    );
    this.#transaction = String(server!.transaction);
    return {
      program: VERSION,
      at: new Date(String(server!.at)).toISOString(),
      postgres: String(server!.version),
      migrations: ours,
      tables: counted,
    };
  }

  #line(text: string): string {
    const line = `${text}\n`;
    this.#hash.update(line);
    return line;
  }
}
