/** `tasks`: list, show, cancel, retry. */
import type { Command } from "commander";
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
}

/** Adds the command group. */
export function addTasks(program: Command, context: CliContext): void {
  const tasks = program.command("tasks").description("look at tasks and steer them");

  tasks.command("list")
    .description("the newest tasks, newest first")
    .option(
      "-s, --status <status...>",
      "only these: pending claimed running succeeded failed timed_out cancelled",
    )
    .option("-t, --type <type...>", "only these task types")
    .option("-n, --limit <n>", "how many (20)", integer("--limit"), 20)
    .option("--cursor <cursor>", "go on after an earlier page (its next_cursor in --json)")
    .action((_options, command: Command) => list(context, command.optsWithGlobals<ListOptions>()));

  tasks.command("show <id>")
    .description("everything about one task, with its failed attempts")
    .action((id: string, _options, command: Command) =>
      act(
        context,
        command.optsWithGlobals(),
        "actp_get_task",
        { p_task_id: id },
        (task) => taskDetail(context.terminal, task),
      )
    );

  tasks.command("cancel <id>")
    .description("cancel a task: at once if it waits, within one heartbeat if it runs")
    .option("--reason <text>", "kept with the task")
    .action((id: string, options: { reason?: string }, command: Command) =>
      act(
        context,
        command.optsWithGlobals(),
        "actp_cancel_task",
        { p_task_id: id, p_reason: options.reason },
        (task) => [
          task.status === "cancelled" || !task.cancel_requested_at
            ? `${task.id} is ${task.status}`
            : `${task.id} is ${task.status}; its worker has been asked to stop`,
        ],
      )
    );

  tasks.command("retry <id>")
    .description("put a failed, timed-out or cancelled task back into the queue")
    .action((id: string, _options, command: Command) =>
      act(
        context,
        command.optsWithGlobals(),
        "actp_retry_task",
        { p_task_id: id },
        (task) => [`${task.id} is ${task.status}`],
      )
    );
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const page = await withDatabase(
    config,
    (database) =>
      database.call<{ tasks: TaskRow[]; next_cursor: string | null }>("actp_list_tasks", {
        p_status: options.status,
        p_types: options.type,
        p_limit: options.limit,
        p_cursor: options.cursor,
      }),
  );
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
  if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(args.p_task_id)) {
    throw new ExitError(
      EXIT.usage,
      `"${args.p_task_id}" is not a task id (a UUID, see \`actp-worker tasks list\`)`,
    );
  }
  const { config } = await readConfig(context, options);
  const task = await withDatabase(config, (database) => database.call<TaskRow>(fn, args));
  if (options.json) context.terminal.out(JSON.stringify(task));
  else for (const line of show(task)) context.terminal.out(line);
}
