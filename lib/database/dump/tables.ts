/** Which tables are ours, and what the catalog says of them. */
import type { SqlConnection } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import type { DumpSequence } from "./format.ts";

/** A table as the database has it. */
export interface CatalogTable {
  readonly name: string;
  /** Those that can be written to, in their order. */
  readonly columns: readonly CatalogColumn[];
  /** The tables that its rows refer to, besides itself. */
  readonly refersTo: readonly string[];
}

/** A column that can be written to. */
export interface CatalogColumn {
  readonly name: string;
  /** As a cast takes it, e.g. `timestamp with time zone`. */
  readonly type: string;
  /** Counted by the database itself. */
  readonly identity: boolean;
}

/** The tables that our migrations make; others in the same schema are somebody else's. */
export const OUR_TABLES: readonly string[] = [
  ...new Set(
    MIGRATIONS.flatMap(({ sql }) =>
      [...sql.matchAll(/^create table (?:if not exists )?public\.([a-z_]+)/gm)].map(([, name]) => name!)
    ),
  ),
];

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Our tables that are there, what others refer to first. */
export async function readTables(connection: SqlConnection): Promise<CatalogTable[]> {
  const rows = await connection.rows(TABLES_QUERY, [JSON.stringify(OUR_TABLES)]);
  return inOrderOfReference(rows.map(({ name, columns, refers_to }) => ({
    name: String(name),
    columns: JSON.parse(String(columns)),
    refersTo: JSON.parse(String(refers_to)),
  })));
}

/** Each table after all that it refers to; by name otherwise. @throws Error where tables refer to each other. Pure. */
export function inOrderOfReference(tables: readonly CatalogTable[]): CatalogTable[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const order: CatalogTable[] = [];
  const visit = (table: CatalogTable, above: readonly string[]) => {
    if (order.includes(table)) return;
    if (above.includes(table.name)) throw new Error(`tables refer to each other: ${above.join(", ")}`);
    for (const name of table.refersTo.toSorted()) {
      const referred = byName.get(name);
      if (referred) visit(referred, [...above, table.name]);
    }
    order.push(table);
  };
  for (const table of tables.toSorted((a, b) => a.name < b.name ? -1 : 1)) visit(table, []);
  return order;
}

/** How far the identity columns have counted; those that never counted are left out. */
export async function readSequences(
  connection: SqlConnection,
  tables: readonly CatalogTable[],
): Promise<DumpSequence[]> {
  const found: DumpSequence[] = [];
  for (const { name: table, columns } of tables) {
    for (const { name: column } of columns.filter(({ identity }) => identity)) {
      const [row] = await connection.rows(
        `select pg_sequence_last_value(${sequenceOf("$1", "$2")})::text as value`,
        [table, column],
      );
      if (row?.value !== null && row?.value !== undefined) {
        found.push({ table, column, value: String(row.value) });
      }
    }
  }
  return found;
}

/** Sets the identity columns to what a dump says of them. */
export async function writeSequences(
  connection: SqlConnection,
  sequences: readonly DumpSequence[],
): Promise<void> {
  for (const { table, column, value } of sequences) {
    await connection.rows(`select setval(${sequenceOf("$1", "$2")}, $3::text::bigint)`, [
      table,
      column,
      value,
    ]);
  }
}

function sequenceOf(table: string, column: string): string {
  return `pg_get_serial_sequence(format('public.%I', ${table}::text), ${column}::text)::regclass`;
}

const TABLES_QUERY = `
select c.relname::text as name,
  (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
      'identity', a.attidentity <> '') order by a.attnum)::text
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
  (select coalesce(json_agg(distinct r.relname), '[]')::text
    from pg_catalog.pg_constraint k join pg_catalog.pg_class r on r.oid = k.confrelid
    where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as refers_to
from pg_catalog.pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  and c.relname in (select json_array_elements_text($1::text::json))`;
