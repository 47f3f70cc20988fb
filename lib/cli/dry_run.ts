/** `start --dry-run`: checks the configuration and the database, tells which agents would run, and ends. */
import { databaseKind, type LoadedConfig } from "../config.ts";
import { enabledAgents } from "../config/agents.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import type { Database } from "../database/database.ts";
import { openDatabase } from "../database/open.ts";
import { homePaths } from "../paths.ts";
import { banner, checkRequiredTables, startWarnings, tableProblems } from "../supervisor/startup.ts";
import { connect, type GlobalOptions } from "./context.ts";
import type { Terminal } from "./terminal.ts";

/** The configuration has been checked. @throws DatabaseError where the database cannot be reached */
export async function dryRun(
  terminal: Terminal,
  { config }: LoadedConfig,
  options: GlobalOptions,
): Promise<void> {
  const database = await openForCheck(config);
  try {
    const missing = database ? await checkRequiredTables(database, config) : new Map<string, string[]>();
    if (database) await database.call("actp_database_status");
    const problems = tableProblems(missing);
    const description = database?.description ?? "an embedded database, which is made at the first start";
    const warnings = startWarnings(config);
    if (options.json) {
      const agents = enabledAgents(config).map((id) => ({ agent_id: id, problem: problems.get(id) ?? null }));
      return terminal.out(JSON.stringify({ database: description, agents, warnings }));
    }
    terminal.out("the configuration is in order");
    terminal.out(`database: ${description}`);
    for (const line of banner(config, problems)) terminal.out(line);
    for (const warning of warnings) terminal.err(`warning: ${warning}`);
  } finally {
    await database?.close();
  }
}

/** The embedded one belongs to the worker while that runs, and is not made for a mere check. */
async function openForCheck(config: LoadedConfig["config"]): Promise<Database | undefined> {
  if (databaseKind(config) !== "embedded") return await openDatabase(config);
  if (await findDaemon(config.home)) return await connect(config);
  const exists = await Deno.stat(homePaths(config.home).db).then(() => true, () => false);
  return exists ? await openDatabase(config) : undefined;
}
