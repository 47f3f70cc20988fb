/** Embedded databases for tests: copies of one that is made and migrated once, since making one costs seconds. */
import { join } from "node:path";
import { type EmbeddedDatabase, openEmbedded } from "../database/embedded.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import config from "../../deno.json" with { type: "json" };
import { copyMadeOnce } from "./made_once.ts";
import { type TempDir, tempDir } from "./temp.ts";

/** A migrated database; disposal closes it and removes its data. */
export interface EmbeddedForTest extends AsyncDisposable {
  readonly database: EmbeddedDatabase;
  /** What `openEmbedded` takes. */
  readonly folder: string;
}

/** `await using embedded = await embeddedDatabase();` */
export async function embeddedDatabase(): Promise<EmbeddedForTest> {
  await using cleanup = new AsyncDisposableStack();
  const folder = join(cleanup.use(await tempDir()).path, "db");
  await placeEmbedded(folder);
  const database = await openEmbedded(folder);
  cleanup.defer(() => database.close());
  const owned = cleanup.move();
  return { database, folder, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An empty home folder, but for the database: a daemon need not make one. */
export async function homeWithDatabase(): Promise<TempDir> {
  await using cleanup = new AsyncDisposableStack();
  const home = cleanup.use(await tempDir());
  await placeEmbedded(join(home.path, "db"));
  cleanup.move();
  return home;
}

/** Puts a migrated database, not yet open, into a folder that is made for it: `db` in a daemon's home. */
export async function placeEmbedded(folder: string): Promise<void> {
  const source = JSON.stringify([config.imports["@electric-sql/pglite"], MIGRATIONS]);
  await copyMadeOnce("embedded", source, async (draft) => {
    const database = await openEmbedded(draft);
    await database.migrate();
    await database.close();
  }, folder);
}
