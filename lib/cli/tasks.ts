/** `tasks`: list, show, cancel, retry. */
import type { Command } from "commander";
import type { Database } from "../database/database.ts";
import { withApprovals } from "../outward/awaiting.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { integer } from "./enqueue.ts";
import { EXIT, ExitError } from "./exit.ts";
import { progressLine, resultText, statusText, taskDetail, type TaskRow } from "./task_view.ts";
import { duration, table } from "./terminal.ts";

interface ListOptions extends GlobalOptions {
  readonly status?: string[];
  readonly type?: string[];
  readonly limit?: number;
  readonly cursor?: string;
  readonly dead?: boolean;
  readonly execution?: string;
}

interface CancelOptions extends GlobalOptions {
  readonly execution?: string;
  readonly reason?: string;
  /** Seconds. */
  readonly within?: number;
}

interface RetryOptions extends GlobalOptions {
  readonly dead?: boolean;
  readonly type?: string[];
  readonly limit?: number;
}

/** What needs a person: out of attempts, or a retry cannot help. */
const DEAD = ["failed", "timed_out"];

/** Adds the command group. */
export function addTasks(program: Command, context: CliContext): void {
  const tasks = program.command("tasks").description("look at tasks and steer them");

  tasks.command("list")
    .description("the newest tasks, newest first")
    .option(
      "-s, --status <status...>",
      "only these: pending claimed running succeeded failed timed_out cancelled",
    )
    .option("--dead", "only those that failed or timed out for good")
    .option("-t, --type <type...>", "only these task types")
    .option("--execution <id>", "only the tasks of this execution")
    .option("-n, --limit <n>", "how many (20)", integer("--limit"), 20)
    .option("--cursor <cursor>", "go on after an earlier page (its next_cursor in --json)")
    .action((_options, command: Command) => list(context, command.optsWithGlobals<ListOptions>()));

  tasks.command("show <id>")
    .description("everything about one task, with its failed attempts")
    .action((id: string, _options, command: Command) => show(context, id, command.optsWithGlobals()));

  tasks.command("cancel [id]")
    .description("cancel a task, or an execution: at once what waits, within one heartbeat what runs")
    .option("--execution <id>", "all tasks of this execution")
    .option("--reason <text>", "kept with the task")
    .option(
      "--within <time>",
      "settle it as cancelled where its worker has not stopped by then: 30s, 5m, 1h",
      timeSpan,
    )
    .action((id: string | undefined, _options, command: Command) =>
      cancel(context, id, command.optsWithGlobals<CancelOptions>())
    );

  tasks.command("retry [id]")
    .description("put a failed, timed-out or cancelled task back into the queue, or all dead ones")
    .option("--dead", "all that failed or timed out for good, the oldest first")
    .option("-t, --type <type...>", "with --dead: only these task types")
    .option("-n, --limit <n>", "with --dead: how many at the most (1000)", integer("--limit"))
    .action((id: string | undefined, _options, command: Command) =>
      retry(context, id, command.optsWithGlobals<RetryOptions>())
    );
}

async function cancel(context: CliContext, id: string | undefined, options: CancelOptions): Promise<void> {
  const { execution, reason, within } = options;
  if ((id === undefined) === (execution === undefined)) {
    throw new ExitError(EXIT.usage, "give a task's id or --execution, one of them");
  }
  if (execution !== undefined) {
    requireUuid(execution, "an execution's id");
    return await callAndShow<{ cancelled: number; stopping: number }>(
      context,
      options,
      "actp_cancel_execution",
      { p_execution_id: execution, p_reason: reason, p_seconds: within },
      ({ cancelled, stopping }) => [
        `${cancelled} tasks are cancelled` +
        (stopping > 0 ? `; the workers of ${stopping} have been asked to stop` : ""),
      ],
    );
  }
  await act(
    context,
    options,
    within === undefined ? "actp_cancel_task" : "actp_cancel_task_within",
    { p_task_id: id!, p_reason: reason, p_seconds: within },
    (task) => [
      task.status === "cancelled" || !task.cancel_requested_at
        ? `${task.id} is ${task.status}`
        : `${task.id} is ${task.status}; its worker has been asked to stop`,
    ],
  );
}

async function retry(context: CliContext, id: string | undefined, options: RetryOptions): Promise<void> {
  const { dead, type, limit } = options;
  if ((id === undefined) !== Boolean(dead)) {
    throw new ExitError(EXIT.usage, "give a task's id or --dead, one of them");
  }
  if (!dead && (type ?? limit) !== undefined) {
    throw new ExitError(EXIT.usage, "--type and --limit go with --dead");
  }
  if (dead) {
    return await callAndShow<{ retried: number }>(
      context,
      options,
      "actp_retry_tasks",
      { p_types: type, p_limit: limit },
      ({ retried }) => [`${retried} tasks are pending again`],
    );
  }
  await act(
    context,
    options,
    "actp_retry_task",
    { p_task_id: id! },
    (task) => [`${task.id} is ${task.status}`],
  );
}

/** `30s`, `5m` or `1h` as seconds. @throws ExitError 2 */
export function timeSpan(text: string): number {
  const units = { s: 1, m: 60, h: 3600 };
  const found = /^(\d{1,5})(s|m|h)$/.exec(text);
  const seconds = found ? Number(found[1]) * units[found[2] as keyof typeof units] : NaN;
  if (seconds <= 86_400) return seconds;
  throw new ExitError(EXIT.usage, `"${text}" is not a time of at most 24h like 30s, 5m, 1h`);
}

async function show(context: CliContext, id: string, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  requireUuid(id, "a task id");
  const { config } = await readConfig(context, options);
  const [task] = await withDatabase(
    config,
    async (database) =>
      await withApprovals(database, [await database.call<TaskRow>("actp_get_task", { p_task_id: id })]),
  );
  if (options.json) terminal.out(JSON.stringify(task));
  else for (const line of taskDetail(terminal, task!)) terminal.out(line);
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { terminal } = context;
  if (options.dead && options.status) {
    throw new ExitError(EXIT.usage, "--dead and --status exclude each other");
  }
  if (options.execution !== undefined) requireUuid(options.execution, "an execution's id");
  const { config } = await readConfig(context, options);
  const page = await withDatabase(config, async (database: Database) => {
    const page = await database.call<{ tasks: TaskRow[]; next_cursor: string | null }>("actp_list_tasks", {
      p_status: options.dead ? DEAD : options.status,
      p_execution_id: options.execution,
      p_types: options.type,
      p_limit: options.limit,
      p_cursor: options.cursor,
    });
    return { ...page, tasks: await withApprovals(database, page.tasks) };
  });
  if (options.json) return terminal.out(JSON.stringify(page));
  if (page.tasks.length === 0) return terminal.err("no tasks");
  const now = Date.now();
  const rows = page.tasks.map((task) => [
    task.id,
    task.task_type,
    statusText(terminal, task.status),
    `${task.attempts}/${task.max_attempts}`,
    duration(now - Date.parse(task.created_at)),
    task.status === "running" || task.status === "pending"
      ? progressLine(task, now).split("  ").slice(2).join("  ")
      : resultText(task, 80),
  ]);
  for (const line of table(["ID", "TYPE", "STATUS", "TRIES", "AGE", ""], rows)) terminal.out(line);
  if (page.next_cursor) terminal.err(`more: --cursor '${page.next_cursor}'`);
}

async function act(
  context: CliContext,
  options: GlobalOptions,
  fn: string,
  args: { p_task_id: string } & Record<string, unknown>,
  show: (task: TaskRow) => string[],
): Promise<void> {
  requireUuid(args.p_task_id, "a task id");
  await callAndShow(context, options, fn, args, show);
}

async function callAndShow<T>(
  context: CliContext,
  options: GlobalOptions,
  fn: string,
  args: Record<string, unknown>,
  show: (answer: T) => string[],
): Promise<void> {
  const { config } = await readConfig(context, options);
  const answer = await withDatabase(config, (database) => database.call<T>(fn, args));
  if (options.json) context.terminal.out(JSON.stringify(answer));
  else for (const line of show(answer)) context.terminal.out(line);
}

function requireUuid(text: string, what: string): void {
  if (/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return;
  throw new ExitError(EXIT.usage, `"${text}" is not ${what} (a UUID, see \`actp-worker tasks list --json\`)`);
}
