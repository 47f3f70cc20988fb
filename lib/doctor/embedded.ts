/** The embedded database without opening it, and its dumps. */
import { listBackups } from "../database/dump/backups.ts";
import { EMBEDDED_ENGINE } from "../database/embedded_engine.ts";
import { currentDump, dataMajor, programOf } from "../database/embedded_folder.ts";
import { homePaths } from "../paths.ts";
import type { Clock } from "../clock.ts";
import { type Check, type Finding, ok } from "./check.ts";

const HOUR_MS = 3_600_000;

/** Looks whether this program can open the data; while the worker runs, that is asked instead. */
export function restingDatabaseCheck(home: string): Check {
  const { db } = homePaths(home);
  return {
    name: "database",
    async run(): Promise<Finding> {
      const major = await dataMajor(db);
      if (major === undefined) return ok(`embedded in ${db}; made when the worker starts`);
      if (major === EMBEDDED_ENGINE.major) {
        return ok(`embedded in ${db}, PostgreSQL ${major}; looked into when the worker runs`);
      }
      const detail =
        `embedded in ${db}, of PostgreSQL ${major}, and this program has ${EMBEDDED_ENGINE.major}`;
      const dump = await currentDump(db);
      if (dump) return ok(`${detail}: carried over at the next start from ${dump.file}`);
      const program = await programOf(db);
      return {
        status: "fail",
        detail: `${detail}; no dump is known to hold all of it`,
        fix: `run db dump once with ${
          program ? `actp-worker ${program}` : "the former program"
        } (docs/backup.md)`,
      };
    },
  };
}

/** Looks whether the running worker's daily dump of its database is late. */
export function backupCheck(
  { home, backupKeep, backupHours }: { home: string; backupKeep: number; backupHours: number },
  { running, clock }: { running: boolean; clock: Clock },
): Check {
  return {
    name: "backup",
    async run(): Promise<Finding> {
      if (backupKeep === 0 || backupHours === 0) {
        return ok("no daily dumps are asked for (DATABASE_BACKUP_KEEP)");
      }
      const [newest] = await listBackups(homePaths(home).backups);
      if (!newest) return ok("no dump of the database yet");
      const hours = Math.round((clock.now() - newest.at) / HOUR_MS);
      const detail = `the database was last dumped ${hours} h ago (${newest.file})`;
      if (!running || hours <= 2 * backupHours + 1) return ok(detail);
      return {
        status: "warn",
        detail,
        fix: "actp-worker logs --level error tells why; actp-worker db dump takes one",
      };
    },
  };
}
