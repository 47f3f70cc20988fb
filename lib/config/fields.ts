/** The one table of all configuration fields. docs/settings.md, .env.example and `config show` are made from it. */
import { join } from "node:path";
import type { z } from "zod";
import { ACCESS_FIELDS } from "./access_fields.ts";
import { AGENT_FIELDS } from "./agent_fields.ts";
import { BACKUP_FIELDS } from "./backup_fields.ts";
import { EXECUTOR_FIELDS } from "./executor_fields.ts";
import { type DefaultsContext, field, type FieldSpec } from "./field.ts";
import { LOG_FIELDS } from "./log_fields.ts";
import { NOTIFY_FIELDS } from "./notify_fields.ts";
import { QUEUE_FIELDS } from "./queue_fields.ts";
import { SCHEDULE_FIELDS } from "./schedule_fields.ts";
import {
  choice,
  concurrency,
  flag,
  folders,
  number,
  postgresUrl,
  serviceUrl,
  text,
  whole,
  workerId,
} from "./schemas.ts";

const GIB = 1024 ** 3;

const FIELDS = {
  home: field({
    env: ["ACTP_HOME"],
    flag: "--home <folder>",
    schema: text,
    default: ({ home }) => home,
    description: "The worker's own folder: configuration, state, logs.",
    restartNeeded: true,
    path: "folder",
  }),
  workerId: field({
    env: ["WORKER_ID"],
    flag: "--worker-id <id>",
    schema: workerId,
    default: ({ hostname }) => `worker-${hostname}`,
    description: "Names this worker to the queue; must be its own and stay the same across restarts.",
    restartNeeded: true,
  }),
  databaseUrl: field({
    env: ["DATABASE_URL"],
    schema: postgresUrl.optional(),
    default: undefined,
    description:
      "A Postgres to work with directly; without it and SUPABASE_URL the embedded database serves.",
    secret: true,
    restartNeeded: true,
  }),
  supabaseUrl: field({
    env: ["SUPABASE_URL"],
    flag: "--supabase-url <url>",
    schema: serviceUrl.optional(),
    default: undefined,
    description: "The Supabase project to work with, in place of DATABASE_URL.",
    restartNeeded: true,
  }),
  supabaseKey: field({
    env: ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"],
    schema: text.optional(),
    default: undefined,
    description: "The secret key of the Supabase project.",
    secret: true,
    restartNeeded: true,
  }),
  supabaseDbUrl: field({
    env: ["SUPABASE_DB_URL"],
    schema: postgresUrl.optional(),
    default: undefined,
    description: "The Supabase project's Postgres, only for `db migrate`.",
    secret: true,
  }),
  maxConcurrent: field({
    env: ["MAX_CONCURRENT_TASKS", "WORKER_MAX_CONCURRENT"],
    flag: "--max-concurrent <count>",
    schema: whole(1, 5000),
    default: 3,
    description: "How many tasks run at once.",
  }),
  concurrency: field({
    env: ["TASK_CONCURRENCY"],
    schema: concurrency.optional(),
    default: undefined,
    description:
      "How many of a type run at once here, e.g. `remotion_render=1,safari_*=1`; a pattern's types share its number.",
    restartNeeded: true,
  }),
  taskPollSeconds: field({
    env: ["TASK_POLL_INTERVAL_SECONDS"],
    flag: "--poll-interval <seconds>",
    schema: number(0.1, 3600, "seconds"),
    default: 2,
    description: "How often the task table is asked for work, besides its own hints, in seconds.",
    restartNeeded: true,
  }),
  taskHeartbeatSeconds: field({
    env: ["TASK_HEARTBEAT_INTERVAL_SECONDS"],
    schema: number(0.1, 3600, "seconds"),
    default: 15,
    description: "How often running tasks renew their lease, in seconds.",
    restartNeeded: true,
  }),
  leaseSeconds: field({
    env: ["TASK_LEASE_SECONDS"],
    schema: number(1, 86_400, "seconds"),
    default: 60,
    description:
      "How long a task stays claimed without a heartbeat, in seconds; at least twice the heartbeat.",
    restartNeeded: true,
  }),
  workerHeartbeatSeconds: field({
    env: ["WORKER_HEARTBEAT_INTERVAL_SECONDS"],
    schema: number(0.1, 3600, "seconds"),
    default: 30,
    description: "How often the worker itself reports that it lives, in seconds.",
    restartNeeded: true,
  }),
  drainSeconds: field({
    env: ["WORKER_DRAIN_SECONDS"],
    schema: number(0, 3600, "seconds"),
    default: 30,
    description: "How long a stopping worker lets its tasks finish, in seconds.",
    restartNeeded: true,
  }),
  maxInputBytes: field({
    env: ["TASK_MAX_INPUT_BYTES"],
    schema: whole(1, GIB, "bytes"),
    default: 1_000_000,
    description: "The largest input of a task, in bytes of JSON.",
    restartNeeded: true,
  }),
  maxOutputBytes: field({
    env: ["TASK_MAX_OUTPUT_BYTES"],
    schema: whole(1, GIB, "bytes"),
    default: 1_000_000,
    description: "The largest output of a task, in bytes of JSON.",
    restartNeeded: true,
  }),
  downloadDir: field({
    env: ["WORKER_DOWNLOAD_DIR"],
    schema: text,
    default: ({ home }) => join(home, "tmp"),
    description: "Where tasks get their temp folders.",
    restartNeeded: true,
    path: "folder",
  }),
  maxDownloadBytes: field({
    env: ["TASK_MAX_DOWNLOAD_BYTES"],
    schema: whole(1, 1024 * GIB, "bytes"),
    default: 2 * GIB,
    description: "The largest file that a task may download, in bytes.",
    restartNeeded: true,
  }),
  downloadTimeoutSeconds: field({
    env: ["TASK_DOWNLOAD_TIMEOUT_SECONDS"],
    schema: number(1, 86_400, "seconds"),
    default: 900,
    description: "How long one download may take, in seconds.",
    restartNeeded: true,
  }),
  allowPrivateUrls: field({
    env: ["TASK_ALLOW_PRIVATE_URLS"],
    schema: flag,
    default: false,
    description: "Whether tasks may download from private addresses and this machine.",
    restartNeeded: true,
  }),
  inputRoots: field({
    env: ["TASK_INPUT_ROOTS"],
    schema: folders,
    default: ({ home }) => [join(home, "files")],
    description: "The folders that local input files of tasks may be in; `:` between them.",
    restartNeeded: true,
    path: "folder",
  }),
  outputDir: field({
    env: ["TASK_OUTPUT_DIR"],
    schema: text,
    default: ({ home }) => join(home, "files"),
    description: "Where the files that tasks make are kept.",
    restartNeeded: true,
    path: "folder",
  }),
  minFreeBytes: field({
    env: ["WORKER_MIN_FREE_BYTES"],
    schema: whole(0, 1024 * GIB, "bytes"),
    default: GIB,
    description: "With less free disk space than this nothing is claimed, in bytes.",
  }),
  journalMaxOutcomes: field({
    env: ["JOURNAL_MAX_OUTCOMES"],
    schema: whole(1, 10_000_000),
    default: 100_000,
    description: "With more outcomes than this waiting to be reported nothing is claimed.",
    restartNeeded: true,
  }),
  retentionDays: field({
    env: ["TASK_RETENTION_DAYS"],
    schema: whole(0, 36_500, "days"),
    default: 90,
    description: "How long settled tasks are kept, in days; 0 is for ever.",
    restartNeeded: true,
  }),
  logRetentionDays: field({
    env: ["LOG_RETENTION_DAYS"],
    schema: whole(0, 36_500, "days"),
    default: 7,
    description: "How long log rows are kept in the database, in days; 0 is for ever.",
    restartNeeded: true,
  }),
  heartbeatRetentionDays: field({
    env: ["HEARTBEAT_RETENTION_DAYS"],
    schema: whole(0, 36_500, "days"),
    default: 30,
    description: "How long silent workers and the counts of settled tasks are kept, in days; 0 is for ever.",
    restartNeeded: true,
  }),
  historyRetentionDays: field({
    env: ["HISTORY_RETENTION_DAYS"],
    schema: whole(0, 36_500, "days"),
    default: 90,
    description:
      "How long runs of agents and routines, their calls and costs, goals and notifications are kept, in days; 0 is for ever.",
    restartNeeded: true,
  }),
  logLevel: field({
    env: ["WORKER_LOG_LEVEL"],
    flag: "--log-level <level>",
    schema: choice(["trace", "debug", "info", "warning", "error", "fatal"], { warn: "warning" }),
    default: "info",
    description: "The least level that is logged: trace, debug, info, warning, error or fatal.",
  }),
  logFormat: field({
    env: ["WORKER_LOG_FORMAT"],
    flag: "--log-format <format>",
    schema: choice(["auto", "text", "json"]),
    default: "auto",
    description: "text, json, or auto: text on a terminal and JSON lines elsewhere.",
    restartNeeded: true,
  }),
  controlPort: field({
    env: ["WORKER_HEALTH_PORT"],
    flag: "--control-port <port>",
    schema: whole(0, 65_535),
    default: 8090,
    description: "The port of the control API and the dashboard; 0 takes a free one.",
    restartNeeded: true,
  }),
  healthPort: field({
    env: ["WORKER_PROBE_PORT"],
    flag: "--health-port <port>",
    schema: whole(0, 65_535),
    default: 8765,
    description: "The port of the health server for probes; 0 takes a free one.",
    restartNeeded: true,
  }),
  ...ACCESS_FIELDS,
  controlRequestsPerSecond: field({
    env: ["CONTROL_REQUESTS_PER_SECOND"],
    schema: whole(1, 100_000),
    default: 50,
    description: "How many requests a second one caller of the control API may make in the long run.",
    restartNeeded: true,
  }),
  controlRequestBurst: field({
    env: ["CONTROL_REQUEST_BURST"],
    schema: whole(1, 1_000_000),
    default: 200,
    description: "How many requests one caller of the control API may make at once.",
    restartNeeded: true,
  }),
  enableWorkflowTasks: field({
    env: ["ENABLE_WORKFLOW_TASKS"],
    schema: flag,
    default: true,
    description: "Whether this worker claims tasks of the workflow table.",
    restartNeeded: true,
  }),
  enableCapabilityRegistration: field({
    env: ["ENABLE_CAPABILITY_REGISTRATION"],
    schema: flag,
    default: true,
    description: "Whether this worker tells the queue what it can do.",
    restartNeeded: true,
  }),
  ...BACKUP_FIELDS,
  ...LOG_FIELDS,
  ...QUEUE_FIELDS,
  ...EXECUTOR_FIELDS,
  ...AGENT_FIELDS,
  ...NOTIFY_FIELDS,
  ...SCHEDULE_FIELDS,
};

/** A field's name in the configuration and in config.json. */
export type ConfigKey = keyof typeof FIELDS;

/** The finished configuration: every field checked, paths absolute, frozen. */
export type Config = { readonly [K in ConfigKey]: z.output<(typeof FIELDS)[K]["schema"]> };

/** One row of the table with its key. */
export interface ConfigField extends FieldSpec<unknown> {
  readonly key: ConfigKey;
}

/** The table of all fields, in the order in which they are shown. */
export const CONFIG_FIELDS: readonly ConfigField[] = Object.entries(FIELDS).map(([key, spec]) => ({
  ...(spec as FieldSpec<unknown>),
  key: key as ConfigKey,
}));

/** The value of a field that is set nowhere. */
export function defaultOf(field: ConfigField, context: DefaultsContext): unknown {
  return typeof field.default === "function" ? field.default(context) : field.default;
}

export type { DefaultsContext, FieldSpec } from "./field.ts";
