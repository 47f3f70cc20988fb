/** `queues`: what waits and runs, and how much of it may: limits and pauses over all workers. */
import type { Command } from "commander";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

/** A type or pattern with a limit or a pause, as `actp_list_task_limits` tells of it. */
interface TaskLimit {
  readonly pattern: string;
  readonly max_running: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
  readonly running: number;
  readonly waiting: number;
}

/** The part of `actp_task_statistics` that tells what is in the queue now. */
interface Statistics {
  readonly by_type: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Adds the command group. */
export function addQueues(program: Command, context: CliContext): void {
  const queues = program.command("queues").description(
    "limit, pause and resume task types, over all workers",
  );
  queues.command("list")
    .description("what waits and runs, by task type, with its limits and pauses")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  queues.command("pause <pattern>")
    .description(
      "claim no more tasks of a type, or of all types that begin so: 'safari_*'; what runs goes on",
    )
    .option("--reason <text>", "shown by `queues list`")
    .action((pattern: string, options: { reason?: string }, command: Command) =>
      change(
        context,
        command.optsWithGlobals(),
        "actp_pause_tasks",
        { p_pattern: pattern, p_reason: options.reason },
        `${pattern} is paused`,
      )
    );
  queues.command("resume <pattern>")
    .description("end a pause")
    .action((pattern: string, _options, command: Command) =>
      change(
        context,
        command.optsWithGlobals(),
        "actp_resume_tasks",
        { p_pattern: pattern },
        `${pattern} is resumed`,
      )
    );
  queues.command("limit <pattern> <n>")
    .description("run at most so many at once, over all workers; `none` takes the limit away")
    .action((pattern: string, text: string, _options, command: Command) => {
      const max = maxRunning(text);
      const said = max === null ? `${pattern} is not limited` : `at most ${max} of ${pattern} run at once`;
      return change(context, command.optsWithGlobals(), "actp_set_task_limit", {
        p_pattern: pattern,
        p_max_running: max,
      }, said);
    });
}

/** A limit as people type it; null for `none`. @throws ExitError 2 */
export function maxRunning(text: string): number | null {
  if (text === "none") return null;
  if (!/^\d{1,6}$/.test(text)) {
    throw new ExitError(EXIT.usage, `the limit "${text}" is neither a whole number nor \`none\``);
  }
  return Number(text);
}

/** One row for each limit, then one for each type that waits or runs. */
export function queueRows(
  terminal: Terminal,
  limits: readonly TaskLimit[],
  { by_type }: Statistics,
): string[][] {
  const limited = limits.map(({ pattern, running, waiting, max_running, paused, reason }) => [
    printable(pattern),
    String(running),
    String(waiting),
    max_running === null ? "–" : String(max_running),
    paused ? paint(terminal, "yellow", `paused${reason ? `: ${printable(reason)}` : ""}`) : "",
  ]);
  const patterns = new Set(limits.map(({ pattern }) => pattern));
  const others = Object.entries(by_type).filter(([type]) => !patterns.has(type)).sort(([a], [b]) =>
    a < b ? -1 : 1
  ).flatMap(([type, { claimed = 0, running = 0, pending = 0 }]) =>
    claimed + running + pending === 0
      ? []
      : [[printable(type), String(claimed + running), String(pending), "–", ""]]
  );
  return [...limited, ...others];
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const [limits, statistics] = await withDatabase(
    config,
    async (database) =>
      await Promise.all([
        database.call<TaskLimit[]>("actp_list_task_limits"),
        database.call<Statistics>("actp_task_statistics"),
      ]),
  );
  if (options.json) return terminal.out(JSON.stringify({ limits, by_type: statistics.by_type }));
  const rows = queueRows(terminal, limits, statistics);
  if (rows.length === 0) return terminal.err("nothing waits, runs, or is limited");
  for (const line of table(["TYPE", "RUNNING", "WAITING", "LIMIT", ""], rows)) terminal.out(line);
}

async function change(
  context: CliContext,
  options: GlobalOptions,
  fn: string,
  args: Record<string, unknown>,
  said: string,
): Promise<void> {
  const { config } = await readConfig(context, options);
  const limit = await withDatabase(config, (database) => database.call<TaskLimit>(fn, args));
  context.terminal.out(options.json ? JSON.stringify(limit) : said);
}
