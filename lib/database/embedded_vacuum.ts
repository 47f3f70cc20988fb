/** What autovacuum does on a server. PGlite has no processes of its own, so that nothing removes dead rows there. */
import type { PGliteInterface } from "@electric-sql/pglite";
import { explainEmbeddedError } from "./embedded_engine.ts";

/** Autovacuum's own measure with its defaults: https://www.postgresql.org/docs/18/routine-vacuuming.html#AUTOVACUUM */
const DUE = `
select relname as name from pg_catalog.pg_stat_user_tables
where schemaname = 'public' and n_dead_tup > 50 + 0.2 * n_live_tup
order by n_dead_tup desc`;

/** Vacuums and analyses the tables that are due, one after the other; stops between two. @throws DatabaseError */
export async function vacuumTables(
  pglite: Pick<PGliteInterface, "query" | "exec">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const done: string[] = [];
  try {
    // What has been counted since the last second would not show yet.
    await pglite.exec("select pg_catalog.pg_stat_force_next_flush()");
    const { rows } = await pglite.query<{ name: string }>(DUE);
    for (const { name } of rows) {
      if (signal.aborted) break;
      await pglite.exec(`vacuum (analyze) public."${name.replaceAll('"', '""')}"`);
      done.push(name);
    }
    return done;
  } catch (error) {
    throw explainEmbeddedError(error);
  }
}
