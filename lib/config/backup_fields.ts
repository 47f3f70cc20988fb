/** The part of the table of configuration fields that is about dumps of the embedded database. */
import { field } from "./field.ts";
import { number, whole } from "./schemas.ts";

export const BACKUP_FIELDS = {
  backupKeep: field({
    env: ["DATABASE_BACKUP_KEEP"],
    schema: whole(0, 1000),
    default: 7,
    description:
      "How many automatic dumps of the embedded database are kept, daily ones and before migrations; 0: none.",
    restartNeeded: true,
  }),
  backupHours: field({
    env: ["DATABASE_BACKUP_HOURS"],
    schema: number(0, 8760, "hours"),
    default: 24,
    description: "How often the running worker dumps its embedded database, in hours; 0 is never.",
    restartNeeded: true,
  }),
};
