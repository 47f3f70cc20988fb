/** Brings a database's schema up to date, in step with `supabase db push`'s own record of what was applied. */
import { type Migration, MIGRATIONS } from "./migrations.ts";

/** What a migration needs of an open transaction: several statements at once, and one query's rows. */
export interface SqlConnection {
  execute(sql: string): Promise<void>;
  /** `values` are texts, as `$1` and so on. */
  rows(sql: string, values?: readonly string[]): Promise<Record<string, unknown>[]>;
}

// Two workers that start together must not migrate together. Any constant serves; this one spells "actp".
const MIGRATION_LOCK = 0x61637470;

const RECORD_TABLE = `
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text primary key, statements text[], name text
);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
`;

/**
 * Applies what is missing and returns it; `transaction` makes it all or nothing. Throws the connection's error.
 * @param only of these versions, where a schema of before is wanted
 */
export async function migrate(
  transaction: SqlConnection,
  only?: ReadonlySet<string>,
): Promise<readonly Migration[]> {
  await transaction.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await transaction.execute(RECORD_TABLE);
  const missing = pendingMigrations(await appliedVersions(transaction))
    .filter(({ version }) => only?.has(version) ?? true);
  for (const migration of missing) await transaction.execute(migrationScript(migration));
  return missing;
}

/** The migrations that are not among the applied versions, oldest first. */
export function pendingMigrations(applied: ReadonlySet<string>): readonly Migration[] {
  return MIGRATIONS.filter((migration) => !applied.has(migration.version));
}

/** Everything as one script for an SQL editor (`db migrate --print`); may be run again without harm. */
export function migrationPrintout(): string {
  return [
    "-- actp-worker: run in the SQL editor as the database's owner. May be run again without harm.",
    "begin;",
    RECORD_TABLE.trim(),
    ...MIGRATIONS.map((migration) =>
      `\n-- ${migration.version}_${migration.name}\n${migrationScript(migration)}`
    ),
    "commit;",
  ].join("\n") + "\n";
}

/** The versions of all migrations that were applied, others' included; none where nothing ever was. */
export async function appliedVersions(connection: SqlConnection): Promise<Set<string>> {
  const [table] = await connection.rows(
    "select to_regclass('supabase_migrations.schema_migrations')::text as name",
  );
  if (table?.name === null) return new Set();
  const rows = await connection.rows("select version from supabase_migrations.schema_migrations");
  return new Set(rows.map((row) => String(row.version)));
}

function migrationScript(migration: Migration): string {
  return `${migration.sql.trim()}
insert into supabase_migrations.schema_migrations (version, name)
values ('${migration.version}', '${migration.name}') on conflict (version) do nothing;`;
}
