/** The program as the process of one agent: it loads next to nothing of the rest, since there may be many. */
import { Command, CommanderError } from "commander";
import { ConfigError } from "../config.ts";
import { DatabaseError } from "../database/database.ts";
import { addAgentProcess } from "./agent_process.ts";
import type { CliContext } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/** Runs `agent run <id>` and returns its exit code. */
export async function runAgentMain(args: readonly string[], context: CliContext): Promise<number> {
  const program = new Command("actp-worker").option("--json").exitOverride();
  addAgentProcess(program, context);
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return EXIT.usage; // commander has said it already
    context.terminal.err((error as Error).message);
    if (error instanceof ExitError) return error.code;
    if (error instanceof ConfigError) return EXIT.badConfig;
    return error instanceof DatabaseError && error.transient ? EXIT.unavailable : EXIT.failed;
  }
}
