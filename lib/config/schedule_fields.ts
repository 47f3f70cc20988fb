/** The part of the table of configuration fields that is about routines. */
import { field } from "./field.ts";
import { routinesSchema, zoneName } from "./routines.ts";
import { flag } from "./schemas.ts";

export const SCHEDULE_FIELDS = {
  enableScheduler: field({
    env: ["ENABLE_SCHEDULER"],
    schema: flag,
    default: true,
    description: "Whether this worker fires routines.",
    restartNeeded: true,
  }),
  scheduleTimeZone: field({
    env: ["SCHEDULE_TIME_ZONE"],
    schema: zoneName.optional(),
    default: undefined,
    description:
      "The time zone of routines that name none; the machine's unless set. The same on all workers of a database.",
    restartNeeded: true,
  }),
  routines: field({
    env: [],
    schema: routinesSchema,
    default: [],
    description:
      "Routines of your own, and changes to built-in ones by their id; a list, only in config.json.",
  }),
};
