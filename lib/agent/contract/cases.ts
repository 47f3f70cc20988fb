/** What the tables of agents must do, whichever database they are in. */
import type { PostgresDatabase } from "../../database/postgres.ts";

/** Behaviours by their names; all share one database. */
export type Cases = Readonly<Record<string, (database: PostgresDatabase) => Promise<void>>>;
