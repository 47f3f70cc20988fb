/** `logs`: what the worker has logged, from its files or from systemd's journal. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../clock.ts";
import { agentId } from "../config/agents.ts";
import { readJournal } from "../daemon/journal.ts";
import { journalUnit } from "../daemon/log_source.ts";
import { onSignal } from "../daemon/signals.ts";
import type { LogLevel } from "../log.ts";
import { lineText, matches, parseLogLine } from "../log/line_filter.ts";
import { readLog } from "../log/read_lines.ts";
import { homePaths } from "../paths.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { printable, type Terminal } from "./terminal.ts";

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];
const DEFAULT_LINES = 100;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface LogsOptions extends GlobalOptions {
  readonly follow?: boolean;
  readonly lines?: number;
  readonly task?: string;
  readonly agent?: string;
  readonly level?: LogLevel;
  readonly since?: number;
}

/** Adds the command. */
export function addLogs(program: Command, context: CliContext): void {
  program.command("logs")
    .description("what the worker has logged, also after it has ended")
    .option("-f, --follow", "go on as it logs more, until interrupted")
    .option("-n, --lines <count>", "the last so many lines; 100 unless told, all with --since", lineCount)
    .option("--task <id>", "only what is about this task")
    .option("--agent <id>", "only what is about this agent")
    .addOption(new Option("--level <level>", "this level and worse").choices(LEVELS))
    .option(
      "--since <time>",
      "since a time (2026-01-31, 2026-01-31T08:00) or for so long (30s, 15m, 2h, 3d)",
      (text) => sinceTime(text, systemClock.now()),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker logs -f --level warning
  $ actp-worker logs --task 0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001 --json
  $ actp-worker logs --since 2h --agent social`,
    )
    .action((_options, command: Command) => showLogs(context, command.optsWithGlobals()));
}

async function showLogs(context: CliContext, options: LogsOptions): Promise<void> {
  const { home } = (await readConfig(context, options)).config;
  const { task, level, since, follow = false } = options;
  const filter = { task, level, since, agent: options.agent && agentId(options.agent) };
  const wanted = (line: string) => matches(parseLogLine(line), filter);
  const last = options.lines ?? (since === undefined ? DEFAULT_LINES : undefined);
  const show = (line: string) => showLine(context.terminal, line, options.json ?? false);
  const stop = new AbortController();
  const { signal } = stop;
  const removers = (["SIGINT", "SIGTERM"] as const).map((name) => onSignal(name, () => stop.abort()));
  try {
    const unit = await journalUnit(home);
    if (unit) return await readJournal({ unit, wanted, last, since, follow, signal, show });
    const following = follow ? { signal, clock: systemClock } : undefined;
    const lines = readLog({ folder: homePaths(home).logs, wanted, last, since, follow: following });
    for await (const line of lines) {
      if (signal.aborted) return;
      show(line);
    }
  } finally {
    removers.forEach((remove) => remove());
  }
}

/** JSON lines as they are; for a person, those that are no JSON too. */
function showLine(terminal: Terminal, text: string, json: boolean): void {
  const line = parseLogLine(text);
  if (json) terminal.out(line ? text : JSON.stringify({ message: text }));
  else terminal.out(line ? lineText(line, terminal.color) : printable(text));
}

/** Reads `--since`; ms since the epoch. A time without a zone is this machine's. @throws InvalidArgumentError */
export function sinceTime(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count) return now - Number(count) * UNIT_MS[unit!]!;
  // A date alone would be read as UTC.
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text);
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError("Give a time like 2026-01-31T08:00, or 30s, 15m, 2h or 3d.");
  }
  return time;
}

function lineCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("Give a number of lines.");
  return Number(text);
}
