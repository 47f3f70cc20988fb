/** `run` (one task here and now, without a queue) and `capabilities`. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { secretsOf } from "../config.ts";
import { onStopSignals } from "../daemon/signals.ts";
import { setUpLogging, taskLogger } from "../log.ts";
import { ensurePrivateDir } from "../paths.ts";
import { Capabilities } from "../queue/capabilities.ts";
import { checkInput } from "../queue/limits.ts";
import { type Progress, type Task, TaskError } from "../task/task.ts";
import { type CliContext, type GlobalOptions, readConfig, readJsonArgument } from "./context.ts";
import { confirmedActs } from "./confirm_acts.ts";
import { EXIT, ExitError } from "./exit.ts";
import { progressLine, type TaskRow } from "./task_view.ts";
import { paint, table } from "./terminal.ts";

const DEFAULT_TIMEOUT_MS = 30 * 60_000;

/** Adds the commands. */
export function addRun(program: Command, context: CliContext): void {
  program.command("run <type>")
    .description("do one task here and now, without a queue")
    .option("-i, --input <json>", "the task's input: JSON, @file, or - for standard input", "{}")
    .option("-y, --yes", "agree beforehand to what it posts, sends or spends")
    .addHelpText(
      "after",
      `
Example:
  $ actp-worker run ffmpeg_process --input '{"operation":"probe","input":"clip.mp4"}'`,
    )
    .action((type: string, options: { input: string }, command: Command) =>
      runOnce(context, type, options.input, command.optsWithGlobals())
    );

  program.command("capabilities")
    .description("which task types this machine can do, and why not the others")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      const capabilities = new Capabilities(context.executors(config), systemClock);
      await capabilities.detect();
      const { terminal } = context;
      const found = capabilities.all().map(({ executor, availability }) => ({
        type: executor.type,
        description: executor.description,
        ...availability,
      }));
      if (globals.json) return terminal.out(JSON.stringify(found));
      const rows = found.map((one) => [
        one.available ? paint(terminal, "green", "✓") : paint(terminal, "red", "✗"),
        one.type,
        one.available ? one.version ?? "" : `${one.reason}: ${one.fix}`,
      ]);
      for (const line of table(["", "TYPE", ""], rows)) terminal.out(line);
    });
}

async function runOnce(
  context: CliContext,
  type: string,
  inputText: string,
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  const stopper = new AbortController();
  const stopListening = onStopSignals(() => stopper.abort(new Error("stopped by a signal")));
  try {
    const executor = context.executors(config).find((one) => one.type === type);
    if (!executor) {
      throw new ExitError(
        EXIT.usage,
        `There is no executor for "${type}" (see \`actp-worker capabilities\`).`,
      );
    }
    const availability = await executor.check();
    if (!availability.available) {
      throw new ExitError(
        EXIT.unavailable,
        `${type} cannot work here: ${availability.reason} (${availability.fix})`,
      );
    }
    const checked = checkInput(
      executor,
      await readJsonArgument(context, "--input", inputText),
      config.maxInputBytes,
    );
    if ("problem" in checked) throw new ExitError(EXIT.usage, checked.problem);

    const task = taskForOneRun(type, checked.input);
    await ensurePrivateDir(config.downloadDir);
    const tempDir = await Deno.makeTempDir({ dir: config.downloadDir, prefix: `${task.id}.` });
    const timeout = AbortSignal.timeout(DEFAULT_TIMEOUT_MS);
    try {
      const output = await executor.run(checked.input, {
        task,
        signal: AbortSignal.any([stopper.signal, timeout]),
        tempDir,
        log: taskLogger(task),
        progress: (progress) => terminal.status(progressLine(rowOf(task, progress))),
        outward: confirmedActs(terminal, {
          agreed: options.yes === true,
          ...Deno.stdin.isTerminal() && { ask: (question: string) => Promise.resolve(confirm(question)) },
        }),
      });
      terminal.endStatus();
      terminal.out(JSON.stringify(output ?? null, null, options.json ? undefined : 2));
    } catch (error) {
      const logTail = error instanceof TaskError && error.logTail ? `\n${error.logTail}` : "";
      throw new ExitError(EXIT.failed, `${type} failed: ${(error as Error).message}${logTail}`, {
        cause: error,
      });
    } finally {
      await Deno.remove(tempDir, { recursive: true });
    }
  } finally {
    terminal.endStatus();
    stopListening();
    await logging.dispose();
  }
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
