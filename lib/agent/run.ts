/** One run of an agent: a goal, from its record's beginning to its end. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import { withoutSecrets } from "../log/redaction.ts";
import type { AgentDefinition, AgentServices, ToolContext } from "./agent.ts";
import type { AgentActs } from "./acts.ts";
import { analysisTool } from "./analysis.ts";
import type { StopReason } from "./goals.ts";
import type { RunListener } from "./loop/events.ts";
import { runLoop } from "./loop/loop.ts";
import { MeteredModel } from "./loop/metered.ts";
import { type ModelClient, ModelError } from "./loop/model.ts";
import type { RunOutcome } from "./loop/outcome.ts";
import {
  failureText,
  type LoopTool,
  loopTool,
  runTool,
  type ToolOutcome,
  toolsByName,
} from "./loop/tools.ts";
import { factLines, memoryTools, recall } from "./memory.ts";
import { RunNews } from "./news.ts";
import { addUse, NO_USE, priceOf, type TokenUse } from "./prices.ts";
import { beginRun, type RunRecord } from "./records.ts";
import type { AgentSettings } from "./settings.ts";

/** What is to be reached. */
export interface RunGoal {
  readonly text: string;
  readonly context?: Readonly<Record<string, unknown>> | null;
  /** Its row in the table of goals, where it has one. */
  readonly taskId?: string;
}

/** What the runs of one agent share. */
export interface RunOptions {
  readonly agent: AgentDefinition;
  readonly settings: AgentSettings;
  readonly services: AgentServices;
  readonly database: Database;
  readonly model: ModelClient;
  readonly acts: AgentActs;
  /** The tools of MCP servers; asked at the start of each run. */
  readonly moreTools?: (signal: AbortSignal) => Promise<readonly LoopTool[]>;
  readonly holder: string;
  readonly clock: Clock;
  readonly onEvent?: RunListener;
  readonly onStart?: (runId: string) => void;
  readonly onMonthCost?: (usd: number) => void;
}

/** A run's outcome with its id; undefined where not even its record could be begun. */
export interface FinishedRun extends RunOutcome {
  readonly runId?: string;
  /** The tokens of all its calls of the model. */
  readonly use: TokenUse;
}

/** A tool may take so long, in ms. */
const TOOL_MS = 5 * 60_000;
const MEMORY_CHARS = 4_000;

/** Runs to the end. The signal's reason is a {@link StopReason}. Never rejects: what goes wrong is the outcome. */
export async function runAgent(
  options: RunOptions,
  goal: RunGoal,
  signal: AbortSignal,
): Promise<FinishedRun> {
  const { clock, agent } = options;
  const log = logger("agent").with({ agent: agent.id });
  const startedAt = clock.monotonic();
  let record: RunRecord | undefined;
  let outcome: RunOutcome;
  let use = NO_USE;
  try {
    record = await begin(options, goal, log);
    options.onStart?.(record.runId);
    const ledger = countingLedger(record, (more) => use = addUse(use, more));
    outcome = await work(options, goal, ledger, signal, log.with({ run: record.runId }));
  } catch (error) {
    outcome = { text: "", iterations: 0, toolsUsed: [], costUsd: 0, ...failure(error, signal) };
  }
  outcome = withoutSecrets(options.settings.secrets)(outcome);
  try {
    await record?.end(outcome, clock.monotonic() - startedAt);
  } catch (error) {
    log.error(`Cannot record the end of a run: ${(error as Error).message}`);
  }
  return { ...outcome, runId: record?.runId, use };
}

/** Counts the tokens of the calls as they are written down. */
function countingLedger(record: RunRecord, count: (use: TokenUse) => void): RunRecord {
  return {
    ...record,
    endModelCall(call) {
      count(call.use);
      return record.endModelCall(call);
    },
  };
}

function begin(options: RunOptions, goal: RunGoal, log: Logger): Promise<RunRecord> {
  const { agent, settings, database, clock, holder } = options;
  const model = settings.models[agent.tier];
  for (const name of new Set([model, analysisModel(agent, settings) ?? model])) {
    if (priceOf(name, settings.prices).known) continue;
    log.warn("the price of {model} is not known: it counts as the dearest one (set it in modelPrices)", {
      model: name,
    });
  }
  return beginRun(
    { agentId: agent.id, goal: goal.text, taskId: goal.taskId, holder, workerId: settings.workerId, model },
    {
      database,
      clock,
      budgets: settings.budgets,
      secrets: settings.secrets,
      onMonthCost: options.onMonthCost,
    },
  );
}

async function work(
  options: RunOptions,
  goal: RunGoal,
  record: RunRecord,
  signal: AbortSignal,
  log: Logger,
): Promise<RunOutcome> {
  const { agent, settings, services, database, clock } = options;
  const meter = new MeteredModel({
    model: options.model,
    ledger: record,
    clock,
    onEvent: options.onEvent,
  });
  const more = await options.moreTools?.(signal) ?? [];
  const tools = toolsByName([...ownTools(agent, services), ...analysis(options, meter), ...more]);
  const modelName = settings.models[agent.tier];
  const clean = withoutSecrets(settings.secrets);
  const news = new RunNews(database, agent.id, options.holder);
  const context: ToolContext = { agentId: agent.id, runId: record.runId, database, signal, log };
  const outcome = await runLoop({
    meter,
    modelName,
    price: priceOf(modelName, settings.prices).price,
    systemPrompt: agent.systemPrompt,
    tools,
    opening: [...await opening(options, goal), ...await news.next()],
    news: () => news.next(),
    explain: (error) => failure(error, signal),
    callTool: async (tool, input) => clean(await callTool(options, tool, input, context)),
    ledger: record,
    maxIterations: settings.maxIterations,
    historyTokens: settings.historyTokens,
    signal,
    clock,
    onEvent: options.onEvent,
  });
  await news.told();
  return outcome;
}

/** The tools of the agent itself and those that every agent has. */
export function ownTools(agent: AgentDefinition, services: AgentServices): LoopTool[] {
  return [...agent.tools(services), ...memoryTools].map(loopTool);
}

/** The stronger model that the agent may ask; none where it is the one that the agent is. */
function analysisModel(
  { tier, analysisTier }: AgentDefinition,
  { models }: AgentSettings,
): string | undefined {
  if (analysisTier === undefined || models[analysisTier] === models[tier]) return undefined;
  return models[analysisTier];
}

function analysis({ agent, settings }: RunOptions, meter: MeteredModel): LoopTool[] {
  const modelName = analysisModel(agent, settings);
  if (modelName === undefined) return [];
  const { price } = priceOf(modelName, settings.prices);
  return [loopTool(analysisTool({ meter, modelName, price }))];
}

/** The goal, the day and what the agent remembers; the system prompt stays the same, so that it is cached. */
async function opening({ agent, database, clock }: RunOptions, goal: RunGoal): Promise<string[]> {
  const facts = factLines(await recall(database, agent.id), MEMORY_CHARS);
  const hasContext = goal.context && Object.keys(goal.context).length > 0;
  return [
    `It is ${new Date(clock.now()).toISOString()}.`,
    ...facts ? [`What you remember (the newest; \`recall\` finds the rest):\n${facts}`] : [],
    ...hasContext ? [`What is known of the goal:\n${JSON.stringify(goal.context)}`] : [],
    `Your goal: ${goal.text}`,
  ];
}

/** An outward call proposes; any other is done. */
async function callTool(
  { acts, clock }: RunOptions,
  tool: LoopTool,
  input: unknown,
  context: ToolContext,
): Promise<ToolOutcome> {
  if (!tool.outward) return await runTool(tool, input, context, { clock, timeoutMs: TOOL_MS });
  try {
    return await acts.propose(tool, input, tool.outward(input), context.runId, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    return { content: `Nothing was proposed: ${failureText(error)}`, failed: true };
  }
}

/** How a run ends with this error. */
function failure(
  error: unknown,
  signal: AbortSignal,
): Pick<RunOutcome, "stop" | "retry"> & { error: string } {
  if (signal.aborted) {
    const reason = signal.reason as StopReason;
    if (reason === "released") return { stop: "released", error: "the agent is stopping", retry: true };
    return {
      stop: "cancelled",
      error: reason === "lost" ? "another process holds the goal" : "cancelled",
      retry: false,
    };
  }
  const known = error instanceof ModelError || error instanceof DatabaseError;
  return {
    stop: "error",
    error: error instanceof Error ? error.message : String(error),
    retry: !known || error.transient,
  };
}
