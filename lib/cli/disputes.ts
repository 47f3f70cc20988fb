/** `disputes`: about tasks and their rewards. */
import { userInfo } from "node:os";
import type { Command } from "commander";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

/** A dispute, as the database's functions return it. Times are ISO 8601. */
export interface DisputeRow {
  readonly id: string;
  readonly task_id: string;
  readonly task_type: string;
  readonly reward: string | null;
  readonly currency: string | null;
  readonly reason: string;
  readonly opened_by: string;
  readonly vote_deadline: string;
  readonly status: string;
  readonly votes_for: number;
  readonly votes_against: number;
}

const STATUSES = ["open", "upheld", "rejected", "withdrawn", "all"];
const ENDS = ["upheld", "rejected", "withdrawn"];

/** Adds the command group. */
export function addDisputes(program: Command, context: CliContext): void {
  const disputes = program.command("disputes").description(
    "dispute what a task did or earned, vote and resolve",
  );
  disputes.command("list")
    .description("the disputes, newest first")
    .option("--status <status>", STATUSES.join(", "), "open")
    .option("--task <id>", "only those about this task")
    .option("--limit <count>", "at most so many", "50")
    .action((options: ListOptions, command: Command) => list(context, options, command.optsWithGlobals()));
  disputes.command("show <id>")
    .description("everything about one, with its votes")
    .action((id: string, _options, command: Command) =>
      act(context, command.optsWithGlobals(), "actp_get_dispute", { p_id: uuid(id, "a dispute") }, detail)
    );
  disputes.command("open <task>")
    .description("open a dispute about a task; until it is over, what the task earned does not count")
    .requiredOption("--reason <text>", "what is wrong")
    .option("--vote-hours <hours>", "how long votes count", "72")
    .action((task: string, options: { reason: string; voteHours: string }, command: Command) =>
      act(context, command.optsWithGlobals(), "actp_open_dispute", {
        p_task_id: uuid(task, "a task"),
        p_reason: options.reason,
        p_opened_by: userInfo().username,
        p_vote_seconds: voteSeconds(options.voteHours),
      }, ({ id, vote_deadline }) => [`opened ${id}; votes count until ${vote_deadline}`])
    );
  disputes.command("vote <id> <word>")
    .description("`uphold` or `reject`; your last vote counts")
    .option("--comment <text>", "kept with the vote")
    .action((id: string, word: string, options: { comment?: string }, command: Command) =>
      act(context, command.optsWithGlobals(), "actp_vote_dispute", {
        p_id: uuid(id, "a dispute"),
        p_voter: userInfo().username,
        p_uphold: oneOf(word, ["uphold", "reject"], "a vote") === "uphold",
        p_comment: options.comment ?? null,
      }, ({ votes_for, votes_against }) => [`${votes_for} to uphold, ${votes_against} to reject`])
    );
  disputes.command("resolve <id> [word]")
    .description(`end it as ${ENDS.join(", ")}; without a word as the votes say, once their time is over`)
    .option("--note <text>", "kept with the resolution")
    .action((id: string, word: string | undefined, options: { note?: string }, command: Command) =>
      act(context, command.optsWithGlobals(), "actp_resolve_dispute", {
        p_id: uuid(id, "a dispute"),
        p_by: userInfo().username,
        p_status: word === undefined ? null : oneOf(word, ENDS, "an end of a dispute"),
        p_resolution: options.note ?? null,
      }, ({ status }) => [`${status}`])
    );
}

interface ListOptions {
  readonly status: string;
  readonly task?: string;
  readonly limit: string;
}

/** One row for each dispute. */
export function disputeRows(terminal: Terminal, disputes: readonly DisputeRow[]): string[][] {
  return disputes.map((dispute) => [
    dispute.id,
    dispute.status === "open" ? paint(terminal, "yellow", "open") : dispute.status,
    `${dispute.votes_for}:${dispute.votes_against}`,
    dispute.status === "open" ? dispute.vote_deadline.slice(0, 16).replace("T", " ") : "",
    printable(`${dispute.task_type} ${dispute.task_id}`),
    dispute.reward === null ? "" : printable(`${dispute.reward} ${dispute.currency ?? ""}`.trim()),
    printable(dispute.reason),
  ]);
}

async function list(
  context: CliContext,
  { status, task, limit }: ListOptions,
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  oneOf(status, STATUSES, "a status");
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500) {
    throw new ExitError(EXIT.usage, "--limit must be 1 to 500");
  }
  const args = {
    p_status: status === "all" ? null : status,
    p_task_id: task === undefined ? null : uuid(task, "a task"),
    p_limit: Number(limit),
  };
  const { config } = await readConfig(context, options);
  const rows = await withDatabase(
    config,
    (database) => database.call<DisputeRow[]>("actp_list_disputes", args),
  );
  if (options.json) return terminal.out(JSON.stringify(rows));
  if (rows.length === 0) return terminal.err(status === "open" ? "nothing is disputed" : "there is none");
  const head = ["ID", "STATUS", "VOTES", "UNTIL (UTC)", "TASK", "REWARD", "WHY"];
  for (const line of table(head, disputeRows(terminal, rows))) terminal.out(line);
}

async function act(
  context: CliContext,
  options: GlobalOptions,
  fn: string,
  args: Record<string, unknown>,
  show: (dispute: DisputeRow) => string[],
): Promise<void> {
  const { config } = await readConfig(context, options);
  const dispute = await withDatabase(config, (database) => database.call<DisputeRow>(fn, args));
  for (const line of options.json ? [JSON.stringify(dispute)] : show(dispute)) context.terminal.out(line);
}

function detail(dispute: DisputeRow): string[] {
  return Object.entries(dispute).filter(([, value]) => value !== null).map(([name, value]) => {
    const text = typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
    return `${name}: ${text.split("\n").map(printable).join("\n  ")}`;
  });
}

/** Hours as people type them, in seconds. @throws ExitError 2 */
function voteSeconds(hours: string): number {
  const seconds = Math.round(Number(hours) * 3600);
  if (/^\d{1,5}(\.\d{1,6})?$/.test(hours) && seconds >= 60 && seconds <= 31_536_000) return seconds;
  throw new ExitError(EXIT.usage, "--vote-hours must be a number from 0.02 to 8760");
}

function oneOf(word: string, words: readonly string[], what: string): string {
  if (words.includes(word)) return word;
  throw new ExitError(EXIT.usage, `"${printable(word.slice(0, 40))}" is not ${what}: ${words.join(", ")}`);
}

function uuid(id: string, what: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw new ExitError(EXIT.usage, `"${printable(id.slice(0, 60))}" is not the id of ${what}`);
}
