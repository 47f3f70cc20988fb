/** The part of the table of configuration fields that is about where the log goes. */
import { field } from "./field.ts";
import { choice, number, whole } from "./schemas.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const LOG_FIELDS = {
  logTo: field({
    env: ["WORKER_LOG_TO"],
    flag: "--log-to <where>",
    schema: choice(["auto", "stderr", "file"]),
    default: "auto",
    description:
      "stderr, file (logs/worker.log in the home folder), or auto: file in the background and under launchd, else stderr.",
    restartNeeded: true,
  }),
  logMaxBytes: field({
    env: ["WORKER_LOG_MAX_BYTES"],
    schema: whole(4096, GIB, "bytes"),
    default: 10 * MIB,
    description: "A log file that would grow beyond this is closed and a new one begun, in bytes.",
  }),
  logTotalBytes: field({
    env: ["WORKER_LOG_TOTAL_BYTES"],
    schema: whole(8192, 1024 * GIB, "bytes"),
    default: 100 * MIB,
    description: "All log files together; the oldest are removed, in bytes.",
  }),
  logRotateHours: field({
    env: ["WORKER_LOG_ROTATE_HOURS"],
    schema: number(0.01, 8760, "hours"),
    default: 24,
    description: "A log file older than this is closed and a new one begun, in hours.",
  }),
  logKeepDays: field({
    env: ["WORKER_LOG_KEEP_DAYS"],
    schema: number(0.01, 3650, "days"),
    default: 14,
    description: "How long closed log files are kept, in days.",
  }),
};
