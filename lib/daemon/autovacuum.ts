/** Keeps the embedded database quick: dead rows are removed as a server's autovacuum would. */
import type { Clock } from "../clock.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";

/** PostgreSQL's `autovacuum_naptime`. */
const NAP_MS = 60_000;

/** Looks once a minute, which costs a millisecond where nothing is due. Its failures are logged, and tried again. */
export function autovacuum(database: Pick<EmbeddedDatabase, "vacuum">, clock: Clock): Service {
  const log = logger("database");
  return {
    name: "autovacuum",
    async run(signal) {
      for (await clock.sleep(NAP_MS, signal); !signal.aborted; await clock.sleep(NAP_MS, signal)) {
        const began = clock.monotonic();
        try {
          const tables = await database.vacuum(signal);
          if (tables.length > 0) log.debug("vacuumed", { tables, ms: Math.round(clock.monotonic() - began) });
        } catch (error) {
          log.warn`dead rows could not be removed: ${(error as Error).message}; tried again in a minute`;
        }
      }
    },
  };
}
