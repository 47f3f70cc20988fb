/**
 * What a supervised agent and its supervisor say to each other, version 1: one JSON object per line, UTF-8. Pure.
 *
 * The agent writes to its standard output:
 *   {"type":"ready"}                         once: it has begun to look for goals
 *   {"type":"heartbeat","state":"idle|busy|draining","health":{"status":"healthy"},"run":{"id":"…","goal":"…"}}
 *                                            every 10 s, also while it works; all but `type` may be left out
 *   {"type":"run_started","run":{"id":"…","goal":"…"}}
 *   {"type":"run_ended","run":{"id":"…"},"outcome":"completed","error":"…",
 *    "usage":{"input_tokens":9,"output_tokens":9,"cache_read_tokens":9,"cache_write_tokens":9,"cost_usd":0.01}}
 *                                            usage: for metrics, may be left out
 *   {"type":"run_event","run":{"id":"…"},"event":{"kind":"text|retry|tool_call|tool_result|model_call",…}}
 *                                            what happens in the run, for whoever watches; see run_events.ts
 *   {"type":"log","level":"debug|info|warning|error","message":"…","fields":{…}}
 *
 * The supervisor writes to its standard input:
 *   {"type":"drain"}    take no new goal, finish or release the one in progress, then exit with status 0
 *   {"type":"wake"}     look for goals now
 * and holds it open for as long as it lives: when standard input ends, the supervisor has died, and the agent exits.
 *
 * Every line proves that the agent lives; 90 s without one mean that it hangs. What is no message, and all of standard
 * error, goes to the log under the agent's name. Nothing here carries a secret: health and goals are kept and shown.
 */
import { z } from "zod";
import { agentRunEventSchema } from "./run_events.ts";

/** How often an agent says that it lives, in ms. */
export const HEARTBEAT_MS = 10_000;
/** How long an agent may be silent before it counts as hung, in ms. */
export const SILENCE_MS = 90_000;
/** The longest line that is read, in bytes; more of it is cut off, and then it is no message. */
export const MAX_LINE_BYTES = 65_536;

/** How this program is told to be the process of an agent; the agent's id follows. */
export const AGENTS_OWN_COMMAND = ["agent", "run"] as const;

const short = z.string().max(4_000);
const id = z.string().min(1).max(200);
const run = z.object({ id, goal: short.optional() });

/** `healthy`, or not with the reason; other fields are kept as they are, e.g. `errors_in_a_row`. */
const health = z.looseObject({
  status: z.enum(["healthy", "unhealthy"]).default("healthy"),
  reason: short.optional(),
});

const count = z.int().min(0).max(1e12).default(0);

/** What a run has used in all. */
const usage = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  cost_usd: z.number().min(0).max(1e6).default(0),
});

const reportSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({
    type: z.literal("heartbeat"),
    state: z.enum(["idle", "busy", "draining"]).default("idle"),
    health: health.default({ status: "healthy" }),
    run: run.optional(),
  }),
  z.object({ type: z.literal("run_started"), run }),
  z.object({
    type: z.literal("run_ended"),
    run,
    outcome: short,
    error: short.optional(),
    usage: usage.optional().catch(undefined),
  }),
  z.object({ type: z.literal("run_event"), run: z.object({ id }), event: agentRunEventSchema }),
  z.object({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warning", "error"]).catch("info"),
    message: z.string().max(16_384),
    fields: z.record(z.string().max(200), z.unknown()).optional(),
  }),
]);

const orderSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("drain") }),
  z.object({ type: z.literal("wake") }),
]);

/** What an agent tells its supervisor. */
export type AgentReport = z.output<typeof reportSchema>;
/** What may be left out when an agent writes a report. */
export type AgentReportInput = z.input<typeof reportSchema>;
/** What a run has used: tokens by kind, and US dollars. */
export type RunUsage = z.output<typeof usage>;
/** How an agent says it fares. */
export type AgentHealth = z.output<typeof health>;
/** What a supervisor tells its agent. */
export type AgentOrder = z.output<typeof orderSchema>;

/** A report as a line with its end. A goal or an error that is too long is cut. */
export function formatReport(report: AgentReportInput): string {
  return JSON.stringify(report, (_key, value) => typeof value === "string" ? cut(value) : value) + "\n";
}

/** An order as a line with its end. */
export function formatOrder(order: AgentOrder): string {
  return JSON.stringify(order) + "\n";
}

/** Reads a line of an agent's standard output; undefined for what is no report. */
export function parseReport(line: string): AgentReport | undefined {
  return reportSchema.safeParse(objectIn(line)).data;
}

/** Reads a line of an agent's standard input; undefined for what is no order (a later version's, say). */
export function parseOrder(line: string): AgentOrder | undefined {
  return orderSchema.safeParse(objectIn(line)).data;
}

function objectIn(line: string): unknown {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // text that only begins like JSON
  }
}

function cut(text: string): string {
  return text.length > 4_000 ? `${text.slice(0, 3_999)}…` : text;
}
