/** `audit`: what was changed through the control API, by whom, and who was refused. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { openAccessFile } from "../control/access/access_file.ts";
import type { AuditEntry } from "../control/access/audit.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { sinceTime } from "./logs.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

interface AuditOptions extends GlobalOptions {
  /** ms since the epoch. */
  readonly since?: number;
  readonly limit: string;
}

const MAX_LIMIT = 10_000;

/** Adds the command. */
export function addAudit(program: Command, context: CliContext): void {
  program.command("audit")
    .description(
      "what was changed through the control API, when and by whom, and who was refused; newest last",
    )
    .option(
      "--since <time>",
      "since a time (2026-01-31, 2026-01-31T08:00) or for so long (15m, 2h, 3d)",
      (text) => sinceTime(text, systemClock.now()),
    )
    .option("--limit <count>", `at most the newest so many, 1 to ${MAX_LIMIT}`, "50")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker audit --since 24h
  $ actp-worker audit --json | jq 'select(.status >= 400)'`,
    )
    .action((_options, command: Command) => audit(context, command.optsWithGlobals<AuditOptions>()));
}

async function audit(context: CliContext, options: AuditOptions): Promise<void> {
  const { terminal } = context;
  const limit = /^\d{1,5}$/.test(options.limit) ? Number(options.limit) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw new ExitError(EXIT.usage, `--limit must be 1 to ${MAX_LIMIT}`);
  const { config } = await readConfig(context, options);
  await ensurePrivateDir(config.home);
  const file = openAccessFile(homePaths(config.home).access);
  let entries: AuditEntry[];
  try {
    entries = file.audit.list({ since: options.since, limit }).entries.reverse();
  } finally {
    file.close();
  }
  if (options.json) {
    for (const entry of entries) terminal.out(JSON.stringify(entry));
    return;
  }
  if (entries.length === 0) return terminal.err("nothing was changed through the control API");
  const rows = entries.map((entry) => auditRow(terminal, entry));
  for (const line of table(["WHEN (UTC)", "WHO", "WHAT", "ANSWER", ""], rows)) terminal.out(line);
}

function auditRow(terminal: Terminal, { at, caller, method, path, status, summary }: AuditEntry): string[] {
  const answer = status === null ? "none" : String(status);
  return [
    at.slice(0, 19).replace("T", " "),
    printable(caller),
    printable(`${method} ${path}`.trim()),
    status === null || status >= 400 ? paint(terminal, "yellow", answer) : answer,
    printable(summary),
  ];
}
