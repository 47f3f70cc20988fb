/** The databases that agents' tests run on: a PostgreSQL server's and the embedded one, both migrated. */
import type { PostgresDatabase } from "../database/postgres.ts";
import { embeddedDatabase } from "./embedded_database.ts";
import { needs } from "./requirements.ts";
import { startPostgres } from "./postgres_server.ts";

/** A migrated database; disposal closes it and removes its data. */
export interface TestDatabase extends AsyncDisposable {
  readonly database: PostgresDatabase;
  /** Of the server; undefined for the embedded one. */
  readonly url?: string;
}

/** A throw-away server's. */
export async function serverDatabase(): Promise<TestDatabase & { readonly url: string }> {
  const { openPostgres } = await import("../database/postgres.ts");
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  const database = openPostgres(server.url);
  cleanup.defer(() => database.close());
  await database.migrate();
  return owned(cleanup.move(), { database, url: server.url });
}

/** Runs every case on both, as steps of one test each. */
export async function onBothDatabases(
  name: string,
  cases: Readonly<Record<string, (database: PostgresDatabase) => Promise<void>>>,
): Promise<void> {
  const kinds = [
    { kind: "PostgreSQL", open: serverDatabase, ...await needs("postgres") },
    { kind: "the embedded database", open: embeddedDatabase, ignore: false },
  ];
  for (const { kind, open, ignore } of kinds) {
    Deno.test({
      name: `${name} (${kind})`,
      ignore,
      async fn(test) {
        await using subject = await open();
        for (const [name, run] of Object.entries(cases)) {
          // Connections open in one step and close after the last: the test as a whole is checked.
          const fn = () => run(subject.database);
          await test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
        }
      },
    });
  }
}

function owned<T extends object>(cleanup: AsyncDisposableStack, database: T): T & AsyncDisposable {
  return { ...database, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
