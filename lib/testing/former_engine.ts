/** A real PGlite of an earlier major version of PostgreSQL, to make folders that ours cannot open. */
import type { PGliteInterface } from "@electric-sql/pglite";
import type { Engine } from "../database/embedded_engine.ts";

/** PostgreSQL 17, as a program of before had it. */
export const FORMER_ENGINE: Engine = {
  major: "17",
  async open(dataDir) {
    const { PGlite } = await import("pglite-of-postgres-17");
    return await PGlite.create({ dataDir }) as unknown as PGliteInterface;
  },
};
