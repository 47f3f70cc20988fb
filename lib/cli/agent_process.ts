/** `agent run <id>`: the process of one of our agents, as the supervisor starts it. Not for people. */
import { Command } from "commander";
import { actRunner } from "../agent/act_runner.ts";
import { AgentActs } from "../agent/acts.ts";
import type { AgentDefinition } from "../agent/agent.ts";
import { Goals } from "../agent/goals.ts";
import { processLink, type SupervisorLink } from "../agent/link.ts";
import { anthropicModel } from "../agent/loop/anthropic.ts";
import { toolsByName } from "../agent/loop/tools.ts";
import { McpServers } from "../agent/mcp/servers.ts";
import { giveUpPermissions } from "../agent/permissions.ts";
import { AgentProcess } from "../agent/process.ts";
import { ownTools, runAgent } from "../agent/run.ts";
import { RunRelay } from "../agent/run_events.ts";
import { agentServices, agentSettings } from "../agent/settings.ts";
import { systemClock } from "../clock.ts";
import { type Config, CONFIG_FIELDS, secretsOf } from "../config.ts";
import { onStopSignals } from "../daemon/signals.ts";
import type { Database } from "../database/database.ts";
import { logger, type LogSink, setUpLogging } from "../log.ts";
import { redactor } from "../log/redaction.ts";
import { agentRunSpan } from "../telemetry/agent_spans.ts";
import { openTracing } from "../telemetry/tracing.ts";
import { type CliContext, connect, type GlobalOptions, readConfig } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/** How long a worker that is just starting is waited for, in ms. */
const PATIENCE_MS = 20_000;
const RETRY_MS = 250;

/** Adds the hidden command. */
export function addAgentProcess(program: Command, context: CliContext): void {
  program.addCommand(
    new Command("agent").addCommand(
      new Command("run").argument("<id>").action((id: string, _options, command: Command) =>
        runProcess(context, id, command.optsWithGlobals())
      ),
    ),
    { hidden: true },
  );
}

/** An agent that this program ships with. @throws ExitError 2 */
export async function findAgent(context: CliContext, id: string): Promise<AgentDefinition> {
  const agents = await context.agents?.() ?? [];
  const agent = agents.find((one) => one.id === id);
  if (agent) return agent;
  const known = agents.map(({ id }) => id).join(", ") || "there is none";
  throw new ExitError(EXIT.usage, `There is no agent "${id}" of our own (${known}).`);
}

/** The key of the API. @throws ExitError 78 */
export function requireKey(config: Config): string {
  if (config.anthropicKey) return config.anthropicKey;
  throw new ExitError(EXIT.badConfig, "ANTHROPIC_API_KEY is not set: agents cannot work without it.");
}

async function runProcess(context: CliContext, id: string, options: GlobalOptions): Promise<void> {
  const link = processLink();
  const { config } = await readConfig(context, options);
  const apiKey = requireKey(config);
  const agent = await findAgent(context, id);
  const secrets = secretsOf(config);
  const logging = setUpLogging({
    level: config.logLevel,
    format: "json",
    secrets: () => secrets,
    stream: { write() {}, isTerminal: () => false }, // the supervisor writes it
    extraSinks: [reportingSink(link)],
  });
  try {
    const database = await patientConnect(config);
    const mcp = new McpServers(config.mcpServers, agent.id, context.env);
    try {
      forgetSecrets();
      await giveUpPermissions({ run: mcp.startsPrograms });
      await serve(config, agent, apiKey, { link, database, mcp });
    } finally {
      await Promise.all([mcp.close(), database.close()]);
    }
  } finally {
    await logging.dispose();
  }
}

/** Works until it is told to stop. */
async function serve(
  config: Config,
  agent: AgentDefinition,
  apiKey: string,
  { link, database, mcp }: { link: SupervisorLink; database: Database; mcp: McpServers },
): Promise<void> {
  const clock = systemClock;
  const tracing = await openTracing(Deno.env.toObject(), redactor(secretsOf(config)).text);
  const settings = agentSettings(config);
  const services = agentServices(config);
  const holder = `${settings.workerId}/${agent.id}/${crypto.randomUUID()}`;
  const log = logger("agent");
  const acts = new AgentActs({
    database,
    clock,
    agentId: agent.id,
    holder,
    rules: settings.rules,
    expiresMs: settings.approvalExpiresMs,
    secrets: settings.secrets,
    log,
  });
  const allTools = async () =>
    toolsByName([...ownTools(agent, services), ...await mcp.tools(new AbortController().signal)]);
  const runOptions = {
    agent,
    settings,
    services,
    database,
    model: anthropicModel({ apiKey, baseUrl: config.anthropicUrl, clock }),
    acts,
    moreTools: (signal: AbortSignal) => mcp.tools(signal),
    holder,
    clock,
    onMonthCost: (usd: number) => process.noteMonthCost(usd),
  };
  const process = new AgentProcess({
    agent,
    settings,
    database,
    goals: new Goals(database, agent.id, holder, clock),
    acts: actRunner(acts, allTools, clock),
    link,
    clock,
    async run(goal, signal, onStart) {
      let run = { id: "" };
      const relay = new RunRelay({
        report: (event) => link.report({ type: "run_event", run, event }),
        redactor: redactor(secretsOf(config)),
        clock,
      });
      const started = (id: string) => {
        run = { id };
        onStart(id);
      };
      try {
        return await agentRunSpan(tracing, agent.id, () =>
          runAgent(
            { ...runOptions, onStart: started, onEvent: (event) => relay.take(event) },
            goal,
            signal,
          ));
      } finally {
        relay.end();
      }
    },
  });
  const stopListening = onStopSignals(() => process.stopNow());
  try {
    await process.run();
  } finally {
    stopListening();
  }
}

/** The worker may just be starting. */
async function patientConnect(config: Config): Promise<Database> {
  const deadline = systemClock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      return await connect(config);
    } catch (error) {
      const starting = error instanceof ExitError && error.code === EXIT.notRunning;
      if (!starting || systemClock.monotonic() >= deadline) throw error;
      await systemClock.sleep(RETRY_MS);
    }
  }
}

/** What has been read is not to be found in the environment any more, by whatever code runs here. */
function forgetSecrets(): void {
  for (const { secret, env } of CONFIG_FIELDS) {
    if (secret) { for (const name of env) Deno.env.delete(name); }
  }
}

const LEVELS = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warning",
  error: "error",
  fatal: "error",
} as const;

/** Log records go the supervisor's way, redacted already. */
function reportingSink(link: SupervisorLink): LogSink {
  return ({ level, message, properties }) =>
    link.report({ type: "log", level: LEVELS[level], message: message.join(""), fields: properties });
}
