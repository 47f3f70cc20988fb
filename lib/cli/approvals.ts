/** `approvals`: outward acts that wait for a person's word. */
import { userInfo } from "node:os";
import type { Command } from "commander";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

/** An act, as `actp_list_acts` tells of it. Times are ISO 8601. */
export interface ActRow {
  readonly id: string;
  readonly source: string;
  readonly task_id: string;
  readonly agent_id: string | null;
  readonly kind: string;
  readonly platform: string | null;
  readonly account: string | null;
  readonly summary: string;
  readonly preview: Readonly<Record<string, unknown>>;
  readonly status: string;
  readonly requested_at: string;
  readonly expires_at: string;
  readonly begun_at: string | null;
  readonly ended_at: string | null;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
  readonly result: unknown;
  readonly error: string | null;
}

/** Whatever did it is gone by then. */
const SURELY_OVER_MS = 3_600_000;
const STATUSES = ["open", "approved", "rejected", "begun", "done", "expired", "failed", "all"];

/** Adds the command group. */
export function addApprovals(program: Command, context: CliContext): void {
  const approvals = program.command("approvals").description(
    "posts, messages and payments that wait for your word",
  );
  approvals.command("list")
    .description(
      "what waits for you, newest first, with what broke off so that only you can find out if it happened",
    )
    .option("--status <status>", `${STATUSES.join(", ")}`, "open")
    .option("--limit <count>", "at most so many", "50")
    .action((options: { status: string; limit: string }, command: Command) =>
      list(context, options, command.optsWithGlobals())
    );
  approvals.command("show <id>")
    .description("everything about one")
    .action((id: string, _options, command: Command) => show(context, id, command.optsWithGlobals()));
  approvals.command("approve <id>")
    .description("let it be done; for one that broke off: it did not happen, do it")
    .option("--reason <text>", "kept with the decision")
    .action((id: string, options: { reason?: string }, command: Command) =>
      decide(context, id, true, options.reason, command.optsWithGlobals())
    );
  approvals.command("reject <id>")
    .description("do not let it be done; its task fails")
    .option("--reason <text>", "told to the task or the agent")
    .action((id: string, options: { reason?: string }, command: Command) =>
      decide(context, id, false, options.reason, command.optsWithGlobals())
    );
}

/** One row for each act. */
export function actRows(terminal: Terminal, acts: readonly ActRow[]): string[][] {
  return acts.map((act) => [
    act.id,
    act.status === "proposed"
      ? paint(terminal, "yellow", "waits")
      : isUncertain(act)
      ? paint(terminal, "red", "uncertain")
      : act.status,
    act.status === "proposed" ? act.expires_at.slice(0, 16).replace("T", " ") : "",
    printable(act.agent_id ?? act.source),
    printable(act.summary),
  ]);
}

/** Whether it broke off in the middle: approving it says that it did not happen, rejecting it leaves it at that. */
function isUncertain({ status, begun_at, ended_at }: ActRow): boolean {
  const began = begun_at === null ? Infinity : Date.parse(begun_at);
  return status === "begun" && (ended_at !== null || began < Date.now() - SURELY_OVER_MS);
}

async function list(
  context: CliContext,
  { status, limit }: { status: string; limit: string },
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  if (!STATUSES.includes(status)) {
    throw new ExitError(EXIT.usage, `--status must be one of ${STATUSES.join(", ")}`);
  }
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500) {
    throw new ExitError(EXIT.usage, "--limit must be 1 to 500");
  }
  const { config } = await readConfig(context, options);
  const acts = await withDatabase(config, async (database) => {
    const of = (p_status: string | null) =>
      database.call<ActRow[]>("actp_list_acts", { p_status, p_limit: Number(limit) });
    if (status !== "open") return await of(status === "all" ? null : status);
    return [...await of("open"), ...(await of("begun")).filter(isUncertain)];
  });
  if (options.json) return terminal.out(JSON.stringify(acts));
  if (acts.length === 0) return terminal.err(status === "open" ? "nothing waits for you" : "there is none");
  for (const line of table(["ID", "STATUS", "UNTIL (UTC)", "FROM", "WHAT"], actRows(terminal, acts))) {
    terminal.out(line);
  }
}

async function show(context: CliContext, id: string, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const act = await withDatabase(
    config,
    (database) => database.call<ActRow | null>("actp_get_act", { p_id: uuid(id) }),
  );
  if (!act) {
    throw new ExitError(EXIT.failed, `There is no approval ${id} (see \`actp-worker approvals list\`).`);
  }
  if (options.json) return terminal.out(JSON.stringify(act));
  for (const [name, value] of Object.entries(act)) {
    if (value === null) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    terminal.out(`${name}: ${text.split("\n").map(printable).join("\n  ")}`);
  }
}

async function decide(
  context: CliContext,
  id: string,
  approve: boolean,
  reason: string | undefined,
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const act = await withDatabase(config, (database) =>
    database.call<ActRow>("actp_decide_act", {
      p_id: uuid(id),
      p_approve: approve,
      p_by: userInfo().username,
      p_reason: reason ?? null,
    }));
  terminal.out(
    options.json ? JSON.stringify(act) : `${approve ? "approved" : "rejected"}: ${printable(act.summary)}`,
  );
}

function uuid(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw new ExitError(
    EXIT.usage,
    `"${id}" is not the id of an approval (see \`actp-worker approvals list\`)`,
  );
}
