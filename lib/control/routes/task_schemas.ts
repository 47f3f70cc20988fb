/** Tasks and workers as the API tells of them. */
import { z } from "zod";
import { fields, flag, limit, reason, seconds, text, time, uuid, word, words } from "../openapi/fields.ts";

/** The states of a task. */
export const TASK_STATUSES = [
  "pending",
  "claimed",
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
] as const;

const EXAMPLE = {
  id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
  task_type: "remotion_render",
  status: "running",
  priority: 0,
  execution_id: null,
  step_id: null,
  attempts: 1,
  max_attempts: 3,
  token: "1",
  error: null,
  progress: { percent: 40, message: "frame 240 of 600" },
  claimed_by: "worker-macbook-01",
  claimed_at: "2026-11-20T18:00:00+00:00",
  started_at: "2026-11-20T18:00:00+00:00",
  heartbeat_at: "2026-11-20T18:00:15+00:00",
  lease_expires_at: "2026-11-20T18:01:15+00:00",
  completed_at: null,
  created_at: "2026-11-20T17:59:59+00:00",
  run_at: "2026-11-20T17:59:59+00:00",
  timeout_minutes: 30,
  backoff_seconds: 5,
  cancel_requested_at: null,
  cancel_reason: null,
  idempotency_key: null,
  reward: null,
  currency: null,
  deadline: null,
};

const moment = z.string().nullable();
const taskFields = {
  id: z.string(),
  task_type: z.string(),
  status: z.enum(TASK_STATUSES),
  priority: z.int(),
  execution_id: z.string().nullable(),
  step_id: z.string().nullable(),
  attempts: z.int(),
  max_attempts: z.int(),
  token: z.string().meta({ description: "The fencing token of the newest claim." }),
  error: z.string().nullable(),
  progress: z.unknown().meta({ description: "{percent?, message?} as its worker last told; null without." }),
  claimed_by: z.string().nullable(),
  claimed_at: moment,
  started_at: moment,
  heartbeat_at: moment,
  lease_expires_at: moment,
  completed_at: moment,
  created_at: moment,
  run_at: z.string().meta({ description: "Not before this time." }),
  timeout_minutes: z.int().nullable(),
  backoff_seconds: z.int(),
  cancel_requested_at: moment,
  cancel_reason: z.string().nullable(),
  idempotency_key: z.string().nullable(),
  reward: z.string().nullable(),
  currency: z.string().nullable(),
  deadline: moment,
};

const awaited = z.object({ id: z.string(), summary: z.string(), expires_at: moment }).optional().meta({
  description: "Of a task that waits for a person's word: the approval.",
});

/** A task in a list: without what may be large. */
export const taskLine = z.object({ ...taskFields, approval: awaited }).meta({
  id: "TaskLine",
  example: EXAMPLE,
});

/** A task with what it was given and what came of it. */
export const task = z.object({
  ...taskFields,
  input_data: z.unknown(),
  output_data: z.unknown().meta({ description: "null until it has succeeded." }),
}).meta({ id: "Task", example: { ...EXAMPLE, input_data: { composition: "Intro" }, output_data: null } });

/** A task with the attempts that did not succeed. */
export const taskDetail = z.object({
  ...taskFields,
  approval: awaited,
  input_data: z.unknown(),
  output_data: z.unknown(),
  history: z.array(z.object({
    attempt: z.int(),
    token: z.string(),
    worker_id: z.string().nullable(),
    outcome: z.string().meta({ description: "failed, timed_out, cancelled, released or lost" }),
    error: z.string().nullable(),
    log_tail: z.string().nullable(),
    duration_ms: z.number().nullable(),
    started_at: moment,
    ended_at: z.string(),
    late_report: z.unknown(),
  })),
}).meta({ id: "TaskDetail", example: { ...EXAMPLE, input_data: {}, output_data: null, history: [] } });

/** A task's id in a path. */
export const taskPath = z.object({ id: uuid("a task's id") });

/** What `GET /tasks` may be asked for. */
export const taskListQuery = fields("parameter", {
  status: words("status", TASK_STATUSES),
  type: words("type"),
  q: text(200, 0).optional().meta({
    description: "Text in the type, the error or the idempotency key, or the beginning of an id.",
    example: "render",
  }),
  worker: text(200, 0).optional().meta({ description: "The worker that holds it or held it last." }),
  dead: flag().optional().meta({ description: "Only those that failed or timed out for good." }),
  execution_id: uuid("an execution's id").optional(),
  since: time().optional().meta({ description: "Made at this time or later." }),
  until: time().optional().meta({ description: "Made before this time." }),
  limit: limit(),
  cursor: text(100, 0).optional().meta({ description: "`next_cursor` of the page before." }),
});

/** How long `GET /tasks/{id}` may wait. */
export const taskQuery = fields("parameter", {
  wait: seconds(60).default(0).meta({
    description: "Answer only when it is settled, or after so many seconds with what it is.",
    example: 30,
  }),
});

/** The fields of a task that is put in. The database checks the values as well. */
export const newTask = z.object({
  task_type: text(200),
  input_data: z.record(z.string(), z.unknown()).nullable().optional(),
  priority: z.int().nullable().optional(),
  run_at: z.string().nullable().optional().meta({ format: "date-time" }),
  max_attempts: z.int().nullable().optional(),
  backoff_seconds: z.int().nullable().optional(),
  timeout_minutes: z.int().nullable().optional(),
  idempotency_key: z.string().nullable().optional(),
  execution_id: z.string().nullable().optional().meta({ format: "uuid" }),
  step_id: z.string().nullable().optional().meta({ format: "uuid" }),
  reward: z.union([z.string(), z.number()]).nullable().optional(),
  currency: z.string().nullable().optional(),
  deadline: z.string().nullable().optional().meta({ format: "date-time" }),
}).meta({
  id: "NewTask",
  example: {
    task_type: "ffmpeg_process",
    input_data: { operation: "probe", input: "clip.mp4" },
    priority: 5,
  },
});

/** What a cancellation may say. */
export const cancellation = fields("field", {
  reason: reason(),
  deadline_seconds: z.int({ error: "must be a whole number" }).min(0, "must be 0 to 86400")
    .max(86_400, "must be 0 to 86400").nullable().optional().meta({
      description: "Where its worker has not confirmed by then, it is cancelled all the same.",
      example: 30,
    }),
});

/** How far back the statistics look. */
export const statsQuery = fields("parameter", { window: word(["hour", "day"]).default("hour") });

const ms = z.number().nullable();

/** `GET /tasks/stats`. */
export const taskStats = z.object({
  window: z.enum(["hour", "day"]),
  bucket_seconds: z.int(),
  by_status: z.record(z.string(), z.int()).meta({
    description: "What waits and runs now, and what was settled within the window.",
  }),
  by_type: z.array(z.object({
    task_type: z.string(),
    pending: z.int(),
    running: z.int(),
    succeeded: z.int(),
    failed: z.int().meta({ description: "Those that timed out among them." }),
  })),
  buckets: z.array(z.object({
    at: z.string(),
    succeeded: z.int(),
    failed: z.int(),
    timed_out: z.int(),
    cancelled: z.int(),
    wait_ms_p50: ms,
    wait_ms_p95: ms,
    run_ms_p50: ms,
    run_ms_p95: ms,
  })).meta({ description: "Oldest first; the last one has only begun." }),
}).meta({
  id: "TaskStats",
  example: {
    window: "hour",
    bucket_seconds: 60,
    by_status: { pending: 3, claimed: 0, running: 1, succeeded: 42, failed: 2, timed_out: 0, cancelled: 0 },
    by_type: [{ task_type: "remotion_render", pending: 3, running: 1, succeeded: 42, failed: 2 }],
    buckets: [{
      at: "2026-11-20T18:00:00+00:00",
      succeeded: 1,
      failed: 0,
      timed_out: 0,
      cancelled: 0,
      wait_ms_p50: 40,
      wait_ms_p95: 900,
      run_ms_p50: 41_000,
      run_ms_p95: 60_000,
    }],
  },
});
