/** `agents run`: one goal here and now, shown as it goes on. */
import type { Command } from "commander";
import { AgentActs } from "../agent/acts.ts";
import { anthropicModel } from "../agent/loop/anthropic.ts";
import type { RunEvent } from "../agent/loop/events.ts";
import { McpServers } from "../agent/mcp/servers.ts";
import { usd } from "../agent/records.ts";
import { type FinishedRun, runAgent, type RunGoal } from "../agent/run.ts";
import { agentServices, agentSettings } from "../agent/settings.ts";
import { systemClock } from "../clock.ts";
import { type Config, secretsOf } from "../config.ts";
import { agentId } from "../config/agents.ts";
import { onStopSignals } from "../daemon/signals.ts";
import type { Database } from "../database/database.ts";
import { logger, setUpLogging } from "../log.ts";
import { redactor } from "../log/redaction.ts";
import { agentRunSpan } from "../telemetry/agent_spans.ts";
import { openTracing } from "../telemetry/tracing.ts";
import { findAgent, requireKey } from "./agent_process.ts";
import {
  type CliContext,
  type GlobalOptions,
  readConfig,
  readJsonArgument,
  withDatabase,
} from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { RunView } from "./agent_run_view.ts";

interface RunOptions extends GlobalOptions {
  readonly context?: string;
}

/** Adds `run` to the command group `agents`. */
export function addAgentsRun(agents: Command, context: CliContext): void {
  agents.command("run <agent> <goal>")
    .description("let an agent work towards a goal now, and watch it")
    .option("--context <json>", "what is known of the goal: a JSON object, @file, or - for standard input")
    .addHelpText(
      "after",
      `
What it says is printed as it comes; its tool calls and what they cost go to standard error. With --json every event is
one line. What posts, messages or spends is only proposed (\`actp-worker approvals list\`) and done by the supervised agent.
Ends with 1 if the goal was not reached.

Example:
  $ actp-worker agents run revenue "How much have we made this month, and what is missing to the target?"`,
    )
    .action((agent: string, goal: string, _options: unknown, command: Command) =>
      runHere(context, agent, goal, command.optsWithGlobals<RunOptions>())
    );
}

async function runHere(context: CliContext, name: string, text: string, options: RunOptions): Promise<void> {
  const { terminal } = context;
  if (text.trim() === "") throw new ExitError(EXIT.usage, "the goal is empty");
  const { config } = await readConfig(context, options);
  const goal = { text, context: await goalContext(context, options.context) };
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  const stop = new AbortController();
  const stopListening = onStopSignals(() => stop.abort("cancelled"));
  const view = new RunView(terminal, options.json === true);
  try {
    const finished = await withDatabase(
      config,
      (database) => run({ context, config, name, database }, goal, stop.signal, (event) => view.show(event)),
    );
    view.end(finished);
    if (finished.stop !== "end_turn") {
      throw new ExitError(
        EXIT.failed,
        `The goal was not reached (${finished.stop}): ${finished.error ?? "no reason"}`,
      );
    }
  } finally {
    stopListening();
    await logging.dispose();
  }
}

async function run(
  { context, config, name, database }: {
    context: CliContext;
    config: Config;
    name: string;
    database: Database;
  },
  goal: RunGoal,
  signal: AbortSignal,
  onEvent: (event: RunEvent) => void,
): Promise<FinishedRun> {
  const apiKey = requireKey(config);
  const agent = await findAgent(context, agentId(name));
  const settings = agentSettings(config);
  // Not the name of a supervised process: what that left behind is another's to clear up.
  const holder = `cli/${settings.workerId}/${agent.id}/${crypto.randomUUID()}`;
  const mcp = new McpServers(config.mcpServers, agent.id, context.env);
  const shared = { database, clock: systemClock, holder };
  const log = logger("agent");
  let alerted = false;
  try {
    const tracing = await openTracing(Deno.env.toObject(), redactor(secretsOf(config)).text);
    return await agentRunSpan(tracing, agent.id, () =>
      runAgent(
        {
          ...shared,
          agent,
          settings,
          services: agentServices(config),
          model: anthropicModel({ apiKey, baseUrl: config.anthropicUrl }),
          acts: new AgentActs({
            ...shared,
            agentId: agent.id,
            rules: settings.rules,
            expiresMs: settings.approvalExpiresMs,
            secrets: settings.secrets,
            log,
          }),
          moreTools: (signal) => mcp.tools(signal),
          onEvent,
          onMonthCost(spent) {
            if (alerted || spent < settings.alertUsd) return;
            alerted = true;
            log.warn(
              `the agents have cost ${usd(spent)} this month, the alert is at ${usd(settings.alertUsd)}`,
            );
          },
        },
        goal,
        signal,
      ));
  } finally {
    await mcp.close();
  }
}

async function goalContext(
  context: CliContext,
  given: string | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (given === undefined) return undefined;
  const value = await readJsonArgument(context, "--context", given);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ExitError(EXIT.usage, "--context must be a JSON object");
}
