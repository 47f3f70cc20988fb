/** Agents, their runs and their goals as the API tells of them. */
import { z } from "zod";
import { fields, page, text, uuid } from "../openapi/fields.ts";

const moment = z.string().nullable();
const usd = z.number().nullable();
const STATUS = {
  agent_id: "content-agent",
  name: "Content creation",
  built_in: true,
  enabled: true,
  status: "running",
  reason: null,
  since: "2026-11-20T18:00:00.000Z",
  pid: 4711,
  uptime: 3600,
  error_count: 0,
  crashes_last_hour: 0,
  restart_at: null,
  last_run_at: "2026-11-20T18:40:00.000Z",
  activity: "idle",
  run: null,
  health: { status: "healthy" },
  memory_mb: 88,
  held_by: null,
  cost_today_usd: 0.42,
  budget_day_usd: 5,
  cost_month_usd: 7.1,
  budget_month_usd: 100,
};

const statusFields = {
  agent_id: z.string(),
  name: z.string(),
  built_in: z.boolean(),
  enabled: z.boolean(),
  status: z.string().meta({
    description: "starting, running, backing off, restarting, stopping, stopped or crashed",
  }),
  reason: z.string().nullable(),
  since: z.string(),
  pid: z.int().nullable(),
  uptime: z.number().nullable().meta({ description: "Seconds." }),
  error_count: z.int().meta({ description: "Crashes within 24 hours." }),
  crashes_last_hour: z.int(),
  restart_at: moment,
  last_run_at: moment,
  activity: z.enum(["idle", "busy", "draining"]).nullable(),
  run: z.object({ id: z.string(), goal: z.string().optional() }).nullable(),
  health: z.unknown(),
  memory_mb: z.number().nullable(),
  held_by: z.string().nullable().meta({ description: "The worker that runs it in this one's place." }),
};
const costFields = {
  cost_today_usd: usd.meta({ description: "In UTC; null when it is not known." }),
  budget_day_usd: usd,
  cost_month_usd: usd,
  budget_month_usd: usd.meta({ description: "Of all agents together." }),
};

/** How one agent fares. */
export const agentStatus = z.object(statusFields).meta({ id: "AgentStatus", example: STATUS });

/** The same with what it has spent. */
export const agent = z.object({ ...statusFields, ...costFields }).meta({ id: "Agent", example: STATUS });

const RUN = {
  id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
  agent_id: "content-agent",
  agent_type: "content-agent",
  goal: "Write two briefs for Monday",
  status: "succeeded",
  task_id: null,
  model: "claude-sonnet-4-5",
  stop_reason: "end_turn",
  outcome: "Two briefs are written.",
  error: null,
  iterations: 4,
  tools_used: ["write_brief"],
  duration_ms: 41_000,
  started_at: "2026-11-20T18:40:00+00:00",
  completed_at: "2026-11-20T18:40:41+00:00",
  worker_id: "worker-macbook-01",
  input_tokens: 5200,
  output_tokens: 900,
  cache_read_tokens: 3000,
  cache_write_tokens: 0,
  cost_usd: 0.03,
};
const runFields = {
  id: z.string(),
  agent_id: z.string().nullable(),
  agent_type: z.string().nullable(),
  goal: z.string().nullable(),
  status: z.string().nullable().meta({
    description: "running, succeeded, failed, stopped, cancelled, released or lost",
  }),
  task_id: z.string().nullable(),
  model: z.string().nullable(),
  stop_reason: z.string().nullable(),
  outcome: z.string().nullable(),
  error: z.string().nullable(),
  iterations: z.int().nullable(),
  tools_used: z.unknown(),
  duration_ms: z.number().nullable(),
  started_at: moment,
  completed_at: moment,
  worker_id: z.string().nullable(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_tokens: z.number(),
  cache_write_tokens: z.number(),
  cost_usd: z.number(),
};

/** A run in a list. */
export const agentRun = z.object(runFields).meta({ id: "AgentRun", example: RUN });

/** A run with what it did. */
export const agentRunDetail = z.object({
  ...runFields,
  tool_calls: z.array(z.object({
    tool_name: z.string().nullable(),
    tool_input: z.unknown(),
    tool_result: z.string().nullable(),
    success: z.boolean().nullable(),
    duration_ms: z.number().nullable(),
    called_at: moment,
  })),
  model_calls: z.array(z.object({
    model: z.string().nullable(),
    status: z.string().meta({ description: "reserved (on its way), done or failed" }),
    stop_reason: z.string().nullable(),
    error: z.string().nullable(),
    input_tokens: z.number().nullable(),
    output_tokens: z.number().nullable(),
    cache_read_tokens: z.number().nullable(),
    cache_write_tokens: z.number().nullable(),
    cost_usd: usd,
    duration_ms: z.number().nullable(),
    called_at: moment,
  })),
}).meta({ id: "AgentRunDetail", example: { ...RUN, tool_calls: [], model_calls: [] } });

/** One agent with its past; that is null while the database is away. */
export const agentDetail = z.object({
  ...statusFields,
  ...costFields,
  runs: z.array(agentRun).nullable(),
  crashes: z.array(z.object({
    at: moment,
    reason: z.string().nullable(),
    ran_ms: z.number().nullable(),
    worker_id: z.string().nullable(),
  })).nullable(),
  tools: z.array(z.object({
    tool: z.string().nullable(),
    calls: z.int(),
    failed: z.int(),
    average_ms: z.number().nullable(),
  })).nullable().meta({ description: "What its tools did in the last 7 days." }),
}).meta({ id: "AgentDetail", example: { ...STATUS, runs: [RUN], crashes: [], tools: [] } });

/** An agent's id or short name in a path. An odd one is not wrong: there is no such agent. */
export const agentPath = z.object({ id: z.string().meta({ example: "content-agent" }) });

/** One run of one agent. */
export const agentRunPath = z.object({ ...agentPath.shape, run_id: uuid("a run's id") });

/** What the runs of an agent may be asked for. */
export const agentRunsQuery = fields("parameter", page());

/** A goal for an agent. The database checks the values as well. */
export const newGoal = fields("field", {
  agent_type: z.string({ error: "must be a string" }),
  goal: z.string({ error: "must be a string" }),
  context: z.record(z.string(), z.unknown()).nullable().optional(),
  priority: z.string().nullable().optional().meta({ description: "CRITICAL, HIGH, NORMAL or LOW" }),
  expires_at: z.string().nullable().optional().meta({ format: "date-time" }),
  run_at: z.string().nullable().optional().meta({ format: "date-time" }),
  max_attempts: z.int().nullable().optional(),
  idempotency_key: text(200).nullable().optional(),
}).meta({
  id: "NewGoal",
  example: { agent_type: "content", goal: "Write two briefs for Monday", priority: "HIGH" },
});
