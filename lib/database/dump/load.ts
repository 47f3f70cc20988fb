/** Loads a dump into a database that is of its schema and whose own rows may go. */
import type { SqlConnection } from "../migrate.ts";
import { DumpError, type DumpHeader } from "./format.ts";
import { readDump } from "./read.ts";
import { type CatalogTable, quoted, readTables, writeSequences } from "./tables.ts";
import type { DumpOptions } from "./write.ts";

/**
 * Puts the dump's rows in place of what the tables hold. In one transaction: on an error nothing has changed.
 * `prepare` is called when the dump's header is known, and makes the schema.
 * @throws DumpError where the dump is damaged or does not fit the schema; the errors of the disk and of the database
 */
export async function loadDump(
  connection: SqlConnection,
  file: string,
  prepare: (header: DumpHeader) => Promise<void>,
  { signal, progress }: DumpOptions = {},
): Promise<{ header: DumpHeader; sha256: string; rows: number }> {
  let header: DumpHeader | undefined;
  let tables = new Map<string, CatalogTable>();
  let [done, total] = [0, 0];
  for await (const part of readDump(file)) {
    signal?.throwIfAborted();
    if (part.kind === "header") {
      header = part.header;
      await prepare(header);
      await connection.execute(SETTINGS);
      const all = await readTables(connection);
      tables = new Map(all.map((table) => [table.name, table]));
      refuseUnfit(header, tables);
      total = header.tables.reduce((sum, { rows }) => sum + rows, 0);
      await connection.execute(`truncate ${all.map(({ name }) => `public.${quoted(name)}`).join(", ")}`);
      for (const { name } of all) await triggers(connection, name, "disable");
    } else if (part.kind === "rows") {
      const columns = header!.tables.find(({ name }) => name === part.table)!.columns;
      await connection.rows(insertStatement(tables.get(part.table)!, columns), [`[${part.rows.join(",")}]`]);
      done += part.rows.length;
      progress?.(done, total);
    } else if (part.kind === "sequences") {
      await writeSequences(connection, part.sequences);
    } else {
      for (const name of tables.keys()) await triggers(connection, name, "enable");
      return { header: header!, sha256: part.sha256, rows: part.rows };
    }
  }
  throw new DumpError("it ends before its end");
}

const SETTINGS =
  "set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'; set local statement_timeout = 0;";

/** What a trigger did when the row came in first is in the dump. */
async function triggers(connection: SqlConnection, table: string, what: "disable" | "enable"): Promise<void> {
  await connection.execute(`alter table public.${quoted(table)} ${what} trigger user`);
}

function refuseUnfit(header: DumpHeader, tables: ReadonlyMap<string, CatalogTable>): void {
  for (const { name, columns } of header.tables) {
    const table = tables.get(name);
    if (!table) throw new DumpError(`it has a table ${name}, which the database has not`);
    const known = new Set(table.columns.map((column) => column.name));
    const odd = columns.find((column) => !known.has(column));
    if (odd !== undefined) {
      throw new DumpError(
        `it has a column ${name}.${odd}, which the database has not: add that column first`,
      );
    }
  }
}

/** Takes a JSON array of rows, each an array of texts, and gives each text to its column's type. */
function insertStatement(table: CatalogTable, columns: readonly string[]): string {
  const types = new Map(table.columns.map(({ name, type }) => [name, type]));
  const values = columns.map((column, i) => `(r.v ->> ${i})::${types.get(column)}`);
  return `insert into public.${quoted(table.name)} (${columns.map(quoted).join(", ")}) overriding system value
    select ${
    values.join(", ")
  } from jsonb_array_elements($1::text::jsonb) with ordinality as r(v, n) order by r.n`;
}
