/** `run`: one task here and now, without a queue. */
import type { Command } from "commander";
import { type Config, secretsOf } from "../config.ts";
import { onStopSignals } from "../daemon/signals.ts";
import { setUpLogging, taskLogger } from "../log.ts";
import { ensurePrivateDir } from "../paths.ts";
import { checkInput } from "../queue/limits.ts";
import { isExcepted } from "../task/exception.ts";
import {
  type Availability,
  type ExecutionContext,
  type Executor,
  type Progress,
  type Task,
  TaskError,
} from "../task/task.ts";
import { type CliContext, type GlobalOptions, readConfig, readJsonArgument } from "./context.ts";
import { confirmedActs } from "./confirm_acts.ts";
import { EXIT, ExitError } from "./exit.ts";
import { progressLine, type TaskRow } from "./task_view.ts";
import { printable, type Terminal } from "./terminal.ts";

const DEFAULT_TIMEOUT_MS = 30 * 60_000;

interface RunOptions extends GlobalOptions {
  readonly input: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Adds the command. */
export function addRun(program: Command, context: CliContext): void {
  program.command("run <type>")
    .description("do one task here and now, without a queue")
    .option("-i, --input <json>", "the task's input: JSON, @file, or - for standard input", "{}")
    .option("-n, --dry-run", "only say what would be done")
    .option("-y, --yes", "agree beforehand to what it posts, sends or spends")
    .addHelpText(
      "after",
      `
Prints the result as JSON. Ends with 1 if the task fails, 2 if its type or input is wrong, 69 if it cannot work here.

Examples:
  $ actp-worker run ffmpeg_process --input '{"operation":"probe","input":"clip.mp4"}'
  $ actp-worker run ffmpeg_process --input @task.json --dry-run`,
    )
    .action((type: string, _options: unknown, command: Command) =>
      runOnce(context, type, command.optsWithGlobals<RunOptions>())
    );
}

async function runOnce(context: CliContext, type: string, options: RunOptions): Promise<void> {
  const { config } = await readConfig(context, options);
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  const stopper = new AbortController();
  const stopListening = onStopSignals(() => stopper.abort(new Error("stopped by a signal")));
  try {
    const executor = await findExecutor(context, config, type);
    const given = await readJsonArgument(context, "--input", options.input);
    const checked = checkInput(executor, given, config.maxInputBytes);
    if ("problem" in checked) throw new ExitError(EXIT.usage, checked.problem);
    const availability = await executor.check();
    if (options.dryRun) return await dryRun(context.terminal, executor, checked.input, availability, options);
    requireAvailable(type, checked.input, availability);
    const output = await execute(context.terminal, config, executor, checked.input, stopper.signal, options);
    context.terminal.out(JSON.stringify(output ?? null, null, options.json ? undefined : 2));
  } finally {
    context.terminal.endStatus();
    stopListening();
    await logging.dispose();
  }
}

async function findExecutor(context: CliContext, config: Config, type: string): Promise<Executor> {
  const { executors, problems } = await context.executors(config);
  const executor = executors.find((one) => one.type === type);
  if (executor) return executor;
  const broken = problems.length > 0
    ? `, which also tells why ${problems.length} of your own are left out`
    : "";
  throw new ExitError(
    EXIT.usage,
    `There is no executor for "${type}" (see \`actp-worker capabilities\`${broken}).`,
  );
}

function requireAvailable(type: string, input: unknown, availability: Availability): void {
  const { available } = availability;
  const lack = available ? availability.except : availability;
  if (!lack) return;
  if ("values" in lack && !isExcepted({ [type]: { [lack.field]: lack.values } }, { type, input })) return;
  const { reason, fix } = lack;
  throw new ExitError(EXIT.unavailable, `${type} cannot work here: ${reason} (${fix})`);
}

/** Says what would be done; nothing is. */
async function dryRun(
  terminal: Terminal,
  executor: Executor,
  input: unknown,
  availability: Availability,
  { json }: RunOptions,
): Promise<void> {
  const { type } = executor;
  let plan: readonly string[] | undefined;
  try {
    plan = await executor.plan?.(input);
  } catch (error) {
    throw new ExitError(EXIT.failed, `${type} would fail: ${(error as Error).message}`, { cause: error });
  }
  if (json) terminal.out(JSON.stringify({ type, input, ...availability, plan: plan ?? null }));
  else if (plan) { for (const line of plan) terminal.out(printable(line)); }
  else terminal.out(`${type} does not tell its steps; the input is valid, and it would be run with it`);
  requireAvailable(type, input, availability);
}

/** Runs the task in a temp folder of its own. @throws ExitError where it fails */
async function execute(
  terminal: Terminal,
  config: Config,
  executor: Executor,
  input: unknown,
  stop: AbortSignal,
  options: RunOptions,
): Promise<unknown> {
  const task = taskForOneRun(executor.type, input);
  await ensurePrivateDir(config.downloadDir);
  const tempDir = await Deno.makeTempDir({ dir: config.downloadDir, prefix: `${task.id}.` });
  const signal = AbortSignal.any([stop, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)]);
  try {
    const output = await executor.run(
      input,
      runContext(terminal, { task, tempDir, signal, agreed: options.yes }),
    );
    if (output === undefined) signal.throwIfAborted(); // it was stopped: nothing is no result
    return output;
  } catch (error) {
    const logTail = error instanceof TaskError && error.logTail ? `\n${error.logTail}` : "";
    throw new ExitError(EXIT.failed, `${executor.type} failed: ${(error as Error).message}${logTail}`, {
      cause: error,
    });
  } finally {
    await Deno.remove(tempDir, { recursive: true });
  }
}

/** What the executor is given: a person at the terminal in place of a queue. */
function runContext(
  terminal: Terminal,
  { task, tempDir, signal, agreed }: {
    task: Task;
    tempDir: string;
    signal: AbortSignal;
    agreed?: boolean;
  },
): ExecutionContext {
  return {
    task,
    signal,
    tempDir,
    log: taskLogger(task),
    progress: (progress) => terminal.status(progressLine(rowOf(task, progress))),
    outward: confirmedActs(terminal, {
      agreed: agreed === true,
      ...Deno.stdin.isTerminal() && { ask: (question: string) => Promise.resolve(confirm(question)) },
    }),
  };
}

function taskForOneRun(type: string, input: unknown): Task {
  return {
    id: crypto.randomUUID(),
    type,
    input,
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    token: "0",
    timeoutMs: DEFAULT_TIMEOUT_MS,
    createdAt: new Date().toISOString(),
  };
}

function rowOf(task: Task, { percent, message, remainingSeconds }: Progress): TaskRow {
  return {
    task_type: task.type,
    status: "running",
    progress: { percent, message, remaining_seconds: remainingSeconds },
  } as TaskRow;
}
