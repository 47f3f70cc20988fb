/** Brings a database's schema up to date, in step with `supabase db push`'s own record of what was applied. */
import { type Migration, MIGRATIONS } from "./migrations.ts";

/** What a migration needs of an open transaction: several statements at once, and one query's rows. */
export interface SqlConnection {
  execute(sql: string): Promise<void>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
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

/** Applies what is missing and returns it; `transaction` makes it all or nothing. Throws the connection's error. */
export async function migrate(transaction: SqlConnection): Promise<readonly Migration[]> {
  await transaction.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await transaction.execute(RECORD_TABLE);
  const missing = pendingMigrations(await appliedVersions(transaction));
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

async function appliedVersions(connection: SqlConnection): Promise<Set<string>> {
  const rows = await connection.rows("select version from supabase_migrations.schema_migrations");
  return new Set(rows.map((row) => String(row.version)));
}

function migrationScript(migration: Migration): string {
  return `${migration.sql.trim()}
insert into supabase_migrations.schema_migrations (version, name)
values ('${migration.version}', '${migration.name}') on conflict (version) do nothing;`;
}
