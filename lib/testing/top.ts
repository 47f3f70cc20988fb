/** What `top` is shown in tests of its screen and keys. */
import type { TaskRow } from "../cli/task_view.ts";
import type { TopAgent, TopData } from "../cli/top_data.ts";

const AT = "2026-11-29T12:00:00.000Z";

/** A task that runs since half a minute; ids end in the given letters. */
export function topTask(end: string, fields: Partial<TaskRow> = {}): TaskRow {
  return {
    id: `01a2280c-4624-7a05-b189-364482${end.padStart(6, "0")}`,
    task_type: "countdown",
    status: "running",
    priority: 0,
    attempts: 1,
    max_attempts: 3,
    input_data: {},
    output_data: null,
    error: null,
    progress: { percent: 52, remaining_seconds: 28, message: "encoding" },
    claimed_by: "w",
    claimed_at: "2026-11-29T11:59:30.000Z",
    started_at: "2026-11-29T11:59:30.000Z",
    completed_at: null,
    created_at: "2026-11-29T11:59:00.000Z",
    run_at: "2026-11-29T11:59:00.000Z",
    cancel_requested_at: null,
    cancel_reason: null,
    ...fields,
  };
}

/** An agent that runs and is idle. */
export function topAgent(id: string, fields: Partial<TopAgent> = {}): TopAgent {
  return {
    agent_id: id,
    name: id,
    built_in: true,
    enabled: true,
    status: "running",
    reason: null,
    since: AT,
    pid: 10,
    uptime: 7200,
    error_count: 0,
    crashes_last_hour: 0,
    restart_at: null,
    last_run_at: null,
    activity: "idle",
    run: null,
    health: null,
    memory_mb: 80,
    held_by: null,
    ...fields,
  };
}

/** A worker that is well, with one running task, one agent and one paused type. */
export function topData(fields: Partial<TopData> = {}): TopData {
  return {
    at: AT,
    status: {
      worker_id: "studio",
      version: "1.2.3",
      status: "online",
      overall: "healthy",
      overall_reasons: [],
      queues: [],
      reasons: [],
      ready: true,
      uptime_seconds: 7200,
      database: "the embedded database",
      capabilities: ["countdown"],
      active_tasks: 1,
      max_concurrent: 3,
      tasks_completed: 5,
      tasks_failed: 1,
      unreported_outcomes: 0,
      current_tasks: [],
      legacy_loops: {},
      legacy_loop_runs: {},
    },
    tasks: [topTask("aaaaaa")],
    agents: [topAgent("content-agent", { cost_today_usd: 1.5, budget_day_usd: 2 })],
    queues: [{ name: "workflow", state: "running", reason: null }],
    types: [{
      pattern: "safari_*",
      running: 0,
      waiting: 4,
      max_running: 1,
      paused: true,
      reason: "logged out",
    }],
    stats: {
      by_status: { pending: 14 },
      by_type: [],
      buckets: [{ succeeded: 400, failed: 7, timed_out: 1, run_ms_p95: 14_000 }],
    },
    approvals: [],
    ...fields,
  };
}
