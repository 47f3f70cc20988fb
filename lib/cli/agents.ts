/** `agents`: which there are, how they fare; start, stop and restart them. */
import { Command } from "commander";
import type { Config } from "../config.ts";
import { databaseKind } from "../config.ts";
import { agentId, BUILT_IN_AGENTS, enabledAgents } from "../config/agents.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import { askDaemon, type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { duration, paint, printable, table, type Terminal } from "./terminal.ts";

/** An agent, as `actp_list_agents` tells of it. Times are ISO 8601. */
interface RegisteredAgentRow {
  readonly agent_id: string;
  readonly status: string;
  readonly status_reason: string | null;
  readonly worker_id: string | null;
  readonly last_heartbeat: string | null;
  readonly last_run_at: string | null;
  readonly crashes_24h: number;
}

/** Adds the command group, and returns it for whoever adds more to it. */
export function addAgents(program: Command, context: CliContext): Command {
  const agents = program.command("agents").description("the supervised agents");
  agents.command("list")
    .description("all agents and how they fare; as they were last seen where the worker does not run")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  const words = {
    start: "start an agent now, and forget its crashes",
    stop: "let an agent finish what it does, and stop it until it is started again",
    restart: "let an agent finish what it does, and start it anew",
  };
  for (const [word, description] of Object.entries(words)) {
    agents.command(`${word} <agent>`)
      .description(description)
      .action((name: string, _options, command: Command) =>
        tell(context, word, name, command.optsWithGlobals())
      );
  }
  // Not for people: `--restart-agent` asks in the registry, so that it works for an agent of any worker.
  agents.addCommand(
    new Command("request-restart")
      .argument("<agent>")
      .action((name: string, _options, command: Command) =>
        requestRestart(context, name, command.optsWithGlobals())
      ),
    { hidden: true },
  );
  return agents;
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const daemon = await findDaemon(config.home);
  if (daemon?.controlPort !== undefined) {
    const agents = await askDaemon<AgentStatus[]>(config, "GET", "/agents");
    if (options.json) return terminal.out(JSON.stringify(agents));
    return show(
      terminal,
      ["AGENT", "STATUS", "FOR", "PID", "CRASHES", "LAST RUN (UTC)", ""],
      agentRows(terminal, agents),
    );
  }
  const agents = await lastSeen(config);
  if (options.json) return terminal.out(JSON.stringify(agents));
  terminal.err("the worker does not run here; as the agents were last seen:");
  show(
    terminal,
    ["AGENT", "STATUS", "WORKER", "CRASHES", "LAST RUN (UTC)", ""],
    lastSeenRows(terminal, agents),
  );
}

/** One row for each agent. */
export function agentRows(terminal: Terminal, agents: readonly AgentStatus[]): string[][] {
  return agents.map((agent) => [
    agent.agent_id,
    colored(terminal, agent.enabled || agent.status !== "stopped" ? agent.status : "disabled"),
    agent.uptime === null ? "" : duration(agent.uptime * 1000),
    String(agent.pid ?? ""),
    agent.error_count === 0 ? "" : String(agent.error_count),
    minute(agent.last_run_at),
    remark(agent),
  ]);
}

function remark({ reason, restart_at, health, run }: AgentStatus): string {
  const parts = [
    reason && printable(reason),
    restart_at && `starts again at ${restart_at.slice(11, 19)} UTC`,
    healthText(health),
    run && `works on: ${printable(run.goal ?? run.id).slice(0, 60)}`,
  ];
  return parts.filter(Boolean).join("; ");
}

/** Also a healthy agent may have something to say: that its budget is used up. */
function healthText(health: AgentStatus["health"]): string | undefined {
  const reason = health?.reason && printable(health.reason);
  if (health?.status !== "unhealthy") return reason;
  return `unhealthy${reason ? `: ${reason}` : ""}`;
}

function lastSeenRows(
  terminal: Terminal,
  agents: readonly (RegisteredAgentRow & { enabled: boolean })[],
): string[][] {
  return agents.map((agent) => [
    agent.agent_id,
    colored(terminal, agent.enabled || agent.status !== "stopped" ? agent.status : "disabled"),
    printable(agent.worker_id ?? ""),
    agent.crashes_24h === 0 ? "" : String(agent.crashes_24h),
    minute(agent.last_run_at),
    printable(agent.status_reason ?? ""),
  ]);
}

/** From the registry; where it cannot be reached without the worker, all that is known is the configuration. */
async function lastSeen(config: Config): Promise<(RegisteredAgentRow & { enabled: boolean })[]> {
  const enabled = new Set(enabledAgents(config));
  const rows = databaseKind(config) === "embedded"
    ? []
    : await withDatabase(config, (database) => database.call<RegisteredAgentRow[]>("actp_list_agents"));
  const known = new Map(rows.map((row) => [row.agent_id, row]));
  const ids = [...new Set([...[...BUILT_IN_AGENTS, ...config.agents].map(({ id }) => id), ...known.keys()])];
  return ids.map((id) => ({ ...known.get(id) ?? NEVER_SEEN, agent_id: id, enabled: enabled.has(id) }));
}

const NEVER_SEEN = {
  status: "stopped",
  status_reason: null,
  worker_id: null,
  last_heartbeat: null,
  last_run_at: null,
  crashes_24h: 0,
};

async function tell(context: CliContext, word: string, name: string, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const path = `/agents/${encodeURIComponent(agentId(name))}/${word}`;
  const agent = await askDaemon<AgentStatus>(config, "POST", path);
  terminal.out(options.json ? JSON.stringify(agent) : `${agent.agent_id}: ${agent.status}`);
}

async function requestRestart(context: CliContext, name: string, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const id = agentId(name);
  const asked = await withDatabase(
    config,
    (database) =>
      database.call<boolean>("actp_set_agent_needs_restart", {
        p_agent_id: id,
        p_needs_restart: true,
        p_reason: "asked for on the command line",
      }),
  );
  if (!asked) {
    throw new ExitError(
      EXIT.failed,
      `There is no agent ${printable(id)} in the registry (see \`actp-worker agents list\`).`,
    );
  }
  terminal.out(
    options.json
      ? JSON.stringify({ agent_id: id, needs_restart: true })
      : `${id} is restarted by its worker within ${config.supervisorWatchSeconds} s`,
  );
}

function show(terminal: Terminal, head: string[], rows: string[][]): void {
  for (const line of table(head, rows)) terminal.out(line);
}

function colored(terminal: Terminal, status: string): string {
  if (status === "running") return paint(terminal, "green", status);
  if (status === "crashed" || status === "stale") return paint(terminal, "red", status);
  return status === "stopped" || status === "disabled" ? status : paint(terminal, "yellow", status);
}

function minute(time: string | null): string {
  return time?.slice(0, 16).replace("T", " ") ?? "";
}
