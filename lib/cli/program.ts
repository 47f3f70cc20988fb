/** The command line: argv → command → exit code. */
import { Command, CommanderError, Option } from "commander";
import { CONFIG_FIELDS, ConfigError } from "../config.ts";
import { AlreadyRunningError } from "../daemon/pid_file.ts";
import { DatabaseError } from "../database/database.ts";
import { FolderInUseError } from "../database/embedded.ts";
import { WorkerIdTakenError } from "../queue/registration.ts";
import { VERSION } from "../version.ts";
import type { CliContext } from "./context.ts";
import { addAgentProcess } from "./agent_process.ts";
import { addAgentGoals } from "./agent_goals.ts";
import { addAgentsRun } from "./agent_run.ts";
import { addAgents } from "./agents.ts";
import { addApprovals } from "./approvals.ts";
import { addAudit } from "./audit.ts";
import { addCapabilities } from "./capabilities.ts";
import { addDatabase } from "./database.ts";
import { addDemo } from "./demo.ts";
import { addDoctor } from "./doctor.ts";
import { addEnqueue } from "./enqueue.ts";
import { addDisputes } from "./disputes.ts";
import { EXIT, ExitError } from "./exit.ts";
import { addProgramCommands } from "./completions.ts";
import { addInit } from "./init.ts";
import { addInstallService } from "./install_service.ts";
import { addJobs } from "./jobs.ts";
import { addLifecycle } from "./lifecycle.ts";
import { addNotify } from "./notify.ts";
import { addPrepareDatabase } from "./prepare_database.ts";
import { addQueues } from "./queues.ts";
import { addRun } from "./run.ts";
import { addSchedule } from "./schedule.ts";
import { addServer } from "./server.ts";
import { withCommand } from "./seed_flags.ts";
import { addTasks } from "./tasks.ts";
import { addTop } from "./top.ts";
import { printable } from "./terminal.ts";
import { addTokens } from "./tokens.ts";

/** Runs one command line (without the program's name) and returns its exit code; `exit` serves the forced stop only. */
export async function runCommandLine(
  args: readonly string[],
  context: CliContext,
  exit: (code: number) => never,
): Promise<number> {
  try {
    await buildProgram(context, exit).parseAsync(withCommand(args), { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return explain(error as Error, args.includes("--json"), context);
  }
}

/** The whole command table; also what help and completions are made from. */
export function buildProgram(context: CliContext, exit: (code: number) => never): Command {
  const { terminal } = context;
  const program = new Command("actp-worker")
    .description("Claims tasks from queues and does them with this machine's own tools.")
    .version(VERSION, "-V, --version")
    .option("--json", "print data as JSON")
    .option("--debug", "log more: the same as --log-level debug")
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride()
    .showHelpAfterError("(--help shows what is possible)")
    .addHelpText(
      "after",
      `
Without a command: \`--agents a,b\` (start these, in the foreground), \`--dry-run\`, \`--list-agents\`, \`--restart-agent ID\`.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not running, 4 doctor found a problem, 69 a dependency is down, 75 already running, 78 bad configuration.
Every command takes --json and the settings above; all settings: \`actp-worker config show\`.`,
    );
  for (const [flag, fields] of Map.groupBy(CONFIG_FIELDS, (field) => field.flag)) {
    const description = fields.map((field) => field.description).join(" ");
    if (flag) program.addOption(new Option(flag, description).helpGroup("Settings:"));
  }
  addDemo(program, context);
  addLifecycle(program, context, exit);
  addTop(program, context);
  addEnqueue(program, context);
  addTasks(program, context);
  addQueues(program, context);
  addInit(program, context);
  addInstallService(program, context);
  addProgramCommands(program, context);
  addJobs(program, context);
  addServer(program, context, exit);
  const agents = addAgents(program, context);
  addAgentsRun(agents, context);
  addAgentGoals(agents, context);
  addAgentProcess(program, context);
  addApprovals(program, context);
  addSchedule(program, context);
  addNotify(program, context);
  addDisputes(program, context);
  addRun(program, context);
  addCapabilities(program, context);
  addTokens(program, context);
  addAudit(program, context);
  addDoctor(program, context);
  addDatabase(program, context);
  addPrepareDatabase(program);
  return program;
}

/** Tells the error in one line (or as JSON) and says which exit code it means. */
function explain(error: Error, json: boolean, { terminal }: CliContext): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has said it already
  }
  // Who reads has had enough, as `| head` does.
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
  const code = exitCodeOf(error);
  terminal.endStatus();
  const message = error instanceof ConfigError || error instanceof ExitError
    ? error.message
    : printable(error.message);
  terminal.err(json ? JSON.stringify({ error: { code, message } }) : message);
  return code;
}

function exitCodeOf(error: Error): number {
  if (error instanceof ExitError) return error.code;
  if (error instanceof ConfigError || error instanceof WorkerIdTakenError) return EXIT.badConfig;
  if (error instanceof AlreadyRunningError || error instanceof FolderInUseError) return EXIT.alreadyRunning;
  if (error instanceof DatabaseError && error.transient) return EXIT.unavailable;
  return error.cause instanceof Error ? exitCodeOf(error.cause) : EXIT.failed;
}
