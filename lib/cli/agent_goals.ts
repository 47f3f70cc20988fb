/** `agents goals` and `agents cancel`: what agents have been asked to do, and taking that back. */
import type { Command } from "commander";
import { agentId } from "../config/agents.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { integer } from "./enqueue.ts";
import { EXIT, ExitError } from "./exit.ts";
import { duration, printable, table } from "./terminal.ts";

/** A goal, as `actp_list_agent_tasks` tells of it. Times are ISO 8601. */
interface GoalRow {
  readonly id: string;
  readonly agent_type: string;
  readonly goal: string;
  readonly status: string;
  readonly priority: string;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly source: string | null;
  readonly created_at: string;
  readonly error: string | null;
  readonly cancel_requested_at: string | null;
  readonly result: { readonly text?: string } | null;
}

interface ListOptions extends GlobalOptions {
  readonly agent?: string;
  readonly status?: string;
  readonly limit: number;
}

const STATUSES = ["pending", "running", "succeeded", "failed", "cancelled", "expired"];
const MAX_SHOWN = 80;

/** Adds them to the command group `agents`. */
export function addAgentGoals(agents: Command, context: CliContext): void {
  agents.command("goals")
    .description("what the agents have been asked to do, the newest first")
    .option("-a, --agent <agent>", "only of this agent")
    .option("-s, --status <status>", `only these: ${STATUSES.join(" ")}`)
    .option("-n, --limit <n>", "how many (20)", integer("--limit"), 20)
    .action((_options, command: Command) => list(context, command.optsWithGlobals<ListOptions>()));
  agents.command("cancel <goal>")
    .description("cancel a goal: at once where it waits, within seconds where an agent works on it")
    .option("--reason <text>", "kept with the goal")
    .action((id: string, _options, command: Command) =>
      cancel(context, id, command.optsWithGlobals<GlobalOptions & { reason?: string }>())
    );
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { terminal } = context;
  const { status, limit } = options;
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new ExitError(EXIT.usage, `--status must be one of ${STATUSES.join(", ")}`);
  }
  const { config } = await readConfig(context, options);
  const goals = await withDatabase(
    config,
    (database) =>
      database.call<GoalRow[]>("actp_list_agent_tasks", {
        p_agent_type: options.agent === undefined ? null : agentId(options.agent),
        p_status: status ?? null,
        p_limit: limit,
      }),
  );
  if (options.json) return terminal.out(JSON.stringify(goals));
  if (goals.length === 0) return terminal.err("no goals");
  const now = Date.now();
  const rows = goals.map((goal) => [
    goal.id,
    goal.agent_type,
    goal.status === "running" && goal.cancel_requested_at ? "cancelling" : goal.status,
    `${goal.attempts}/${goal.max_attempts}`,
    duration(now - Date.parse(goal.created_at)),
    shown(goal.goal),
    shown(goal.error ?? goal.result?.text ?? ""),
  ]);
  for (const line of table(["ID", "AGENT", "STATUS", "TRIES", "AGE", "GOAL", ""], rows)) terminal.out(line);
}

async function cancel(
  context: CliContext,
  id: string,
  options: GlobalOptions & { readonly reason?: string },
): Promise<void> {
  if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) {
    throw new ExitError(EXIT.usage, `"${id}" is not a goal's id (a UUID, see \`actp-worker agents goals\`)`);
  }
  const { config } = await readConfig(context, options);
  const goal = await withDatabase(
    config,
    (database) =>
      database.call<GoalRow>("actp_cancel_agent_task", { p_id: id, p_reason: options.reason ?? null }),
  );
  if (options.json) return context.terminal.out(JSON.stringify(goal));
  context.terminal.out(
    goal.status === "cancelled" ? `${id} is cancelled` : `${id} is running; its agent has been asked to stop`,
  );
}

function shown(text: string): string {
  const line = printable(text);
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}
