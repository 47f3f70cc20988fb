/** What the worker says of itself. */
import { z } from "zod";

const EXAMPLE = {
  worker_id: "worker-macbook-01",
  version: "0.1.0",
  status: "online",
  overall: "healthy",
  overall_reasons: [],
  reasons: [],
  ready: true,
  uptime_seconds: 3600,
  uptime: 3600,
  agents: 4,
  agents_running: 4,
  database: "the embedded database",
  queues: [{ name: "the task table", state: "running", since: null, reason: null }],
  capabilities: ["safari_research", "safari_upload", "remotion_render"],
  active_tasks: 1,
  max_concurrent: 3,
  tasks_completed: 42,
  tasks_failed: 2,
  unreported_outcomes: 0,
  current_tasks: [{
    task_id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
    task_type: "remotion_render",
    attempt: 1,
    started_at: "2026-11-20T16:30:00.000Z",
    elapsed_seconds: 45,
    progress: null,
  }],
  legacy_loops: { research: "disabled", scoring: "disabled", remotion: "disabled" },
  legacy_loop_runs: {},
  last_crash: null,
  scheduler: null,
};

/** One reason why not all is well. */
export const overallReason = z.object({
  code: z.string().meta({ description: "For programs; does not change." }),
  severity: z.enum(["degraded", "critical"]),
  subject: z.string().optional().meta({ description: "Which agent, queue, loop or channel." }),
  message: z.string(),
  fix: z.string().optional().meta({ description: "What to do about it." }),
}).meta({
  id: "OverallReason",
  example: {
    code: "low_disk",
    severity: "critical",
    message:
      "not claiming: 80 MiB free on the disk of /home/a/.actp-worker, less than 500 (WORKER_MIN_FREE_BYTES)",
    fix: "Free disk space, or lower WORKER_MIN_FREE_BYTES.",
  },
});

/** How one queue fares. */
export const queueStatus = z.object({
  name: z.string(),
  state: z.enum(["running", "paused", "unreachable", "held_back"]),
  since: z.string().nullable(),
  reason: z.string().nullable(),
}).meta({
  id: "QueueStatus",
  example: { name: "the task table", state: "running", since: null, reason: null },
});

/** `GET /health` and `GET /status`. */
export const workerStatus = z.object({
  worker_id: z.string(),
  version: z.string(),
  status: z.enum(["online", "degraded", "draining"]),
  overall: z.enum(["healthy", "degraded", "critical"]),
  overall_reasons: z.array(overallReason),
  reasons: z.array(z.string()),
  ready: z.boolean().meta({ description: "Whether it takes work." }),
  uptime_seconds: z.number(),
  uptime: z.number(),
  agents: z.int().meta({ description: "How many should run." }),
  agents_running: z.int(),
  database: z.string(),
  queues: z.array(queueStatus),
  capabilities: z.array(z.string()),
  active_tasks: z.int(),
  max_concurrent: z.int(),
  tasks_completed: z.int().nullable().meta({
    description: "Over its whole life; null while the database is away.",
  }),
  tasks_failed: z.int().nullable(),
  unreported_outcomes: z.int(),
  current_tasks: z.array(z.object({
    task_id: z.string(),
    task_type: z.string(),
    attempt: z.int(),
    started_at: z.string(),
    elapsed_seconds: z.number(),
    progress: z.unknown(),
  })),
  legacy_loops: z.record(z.string(), z.string()),
  legacy_loop_runs: z.record(z.string(), z.unknown()),
  last_crash: z.unknown(),
  scheduler: z.unknown(),
}).meta({ id: "WorkerStatus", example: EXAMPLE });

/** `GET /ready`. */
export const readiness = z.object({ ready: z.boolean(), reasons: z.array(z.string()) }).meta({
  id: "Readiness",
  example: { ready: false, reasons: ["draining: the worker stops"] },
});
