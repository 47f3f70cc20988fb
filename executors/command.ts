/** Task types that the configuration declares: each runs one program with arguments filled in from its input. */
import { isAbsolute } from "node:path";
import type { Logger } from "@logtape/logtape";
import { z } from "zod";
import {
  type CommandDeclaration,
  type CommandField,
  fillPlaceholders,
  placeholdersIn,
} from "../lib/config.ts";
import {
  baseEnvironment,
  describeExit,
  findProgram,
  ProgramMissingError,
  runProgram,
  type RunResult,
} from "../lib/process.ts";
import {
  type Availability,
  defineExecutor,
  type ExecutionContext,
  type Executor,
  type Progress,
  TaskError,
} from "../lib/task/task.ts";
import { type Message, parseMessage } from "./command_messages.ts";
import { findLocalInput, resultFolder } from "./task_files.ts";

/** What the executors need of the configuration. */
export interface CommandSettings {
  /** Folders that fields of type path must lie in. */
  readonly inputRoots: readonly string[];
  /** Holds one folder per task: the placeholder `{outputDir}`. */
  readonly outputDir: string;
}

type Value = string | number | boolean | undefined;
type Values = Readonly<Record<string, Value>>;

/** The longest line that a program may report its result in. */
const MAX_RESULT_BYTES = 1_000_000;
/** Exit codes by which programs say that the request itself is wrong (usage, data, configuration). */
const FINAL_EXIT_CODES = [2, 64, 65, 78];

/** One executor for each declaration; the task type is the declaration's name. */
export function commandExecutors(
  declarations: readonly CommandDeclaration[],
  settings: CommandSettings,
): Executor[] {
  return declarations.map((declaration) =>
    defineExecutor<unknown, unknown>({
      type: declaration.name,
      description: declaration.description ?? `runs ${declaration.program}`,
      input: commandInput(declaration),
      check: () => checkProgram(declaration),
      run: (input, context) => runCommand(declaration, input as Values, settings, context),
    })
  );
}

/** The schema that a declaration's fields describe; unknown fields are refused. */
export function commandInput({ input }: Pick<CommandDeclaration, "input">): z.ZodType<Values> {
  return z.strictObject(
    Object.fromEntries(Object.entries(input).map(([name, field]) => [name, fieldSchema(field)])),
  );
}

function fieldSchema(field: CommandField): z.ZodType<Value> {
  const base = typeSchema(field);
  const listed = field.enum === undefined ? base : base.refine(
    (value) => field.enum!.some((allowed) => allowed === value),
    `must be one of ${field.enum.join(", ")}`,
  );
  if (field.default !== undefined) return listed.default(field.default);
  return field.required ? listed : listed.optional();
}

function typeSchema(field: CommandField): z.ZodType<string | number | boolean> {
  if (field.type === "boolean") return z.boolean();
  if (field.type === "number" || field.type === "integer") {
    const number = field.type === "integer" ? z.number().int() : z.number();
    return number.min(field.min ?? -Number.MAX_VALUE).max(field.max ?? Number.MAX_VALUE);
  }
  const text = z.string().max(field.maxLength ?? 4_096).refine(
    (value) => !value.includes("\0"),
    "must not hold a NUL byte",
  );
  if (field.pattern === undefined) return text;
  const whole = new RegExp(`^(?:${field.pattern})$`, "u");
  return text.refine((value) => whole.test(value), `must match ${field.pattern}`);
}

/**
 * The argument list. An argument is left out when a field in it has no value.
 * @throws TaskError without retry when a free text would turn an argument into an option: values of an enum, numbers
 * and paths are trusted, other text must not come to stand first with a dash
 */
export function buildArguments(
  declaration: Pick<CommandDeclaration, "args" | "input">,
  values: Values,
): string[] {
  return declaration.args.flatMap((template) => {
    const filled = fillPlaceholders(template, values);
    if (filled === undefined) return [];
    const becameOption = filled.startsWith("-") && !template.startsWith("-");
    const untrusted = placeholdersIn(template).find((name) => isFreeText(declaration.input[name]));
    if (becameOption && untrusted !== undefined) {
      throw new TaskError(`${untrusted} must not begin with a dash: it would be taken for an option`, {
        retry: false,
      });
    }
    return [filled];
  });
}

function isFreeText(field: CommandField | undefined): boolean {
  return field?.type === "string" && field.enum === undefined;
}

async function checkProgram({ program, cwd }: CommandDeclaration): Promise<Availability> {
  if (await findProgram(program) === undefined) {
    const fix = isAbsolute(program)
      ? "install it there or correct the path in config.json"
      : `install ${program} or give its absolute path`;
    return { available: false, reason: `${program} was not found`, fix };
  }
  if (cwd !== undefined && !(await Deno.stat(cwd).catch(() => undefined))?.isDirectory) {
    return {
      available: false,
      reason: `its folder ${cwd} does not exist`,
      fix: "create it or correct cwd in config.json",
    };
  }
  return { available: true };
}

async function runCommand(
  declaration: CommandDeclaration,
  input: Values,
  settings: CommandSettings,
  context: ExecutionContext,
): Promise<unknown> {
  const resolved = await resolvePaths(declaration, input, settings.inputRoots);
  const values = {
    ...resolved,
    tempDir: context.tempDir,
    ...usesOutputDir(declaration)
      ? { outputDir: await resultFolder(settings.outputDir, context.task.id) }
      : {},
  };
  const { timeoutSeconds, cwd = context.tempDir } = declaration;
  const reported = newReports();
  const result = await runProgram({
    program: declaration.program,
    args: buildArguments(declaration, values),
    cwd,
    env: { ...baseEnvironment(), ...passedOn(declaration.env ?? []), ...declaration.setEnv },
    signal: context.signal,
    ...timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 },
    ...declaration.stdin === "input" ? { stdin: JSON.stringify(resolved) } : {},
    maxLineBytes: MAX_RESULT_BYTES,
    onStdoutLine: (line, truncated) => {
      const message = truncated ? truncatedMessage(line) : parseMessage(line);
      if (message) take(message, reported, context);
    },
  }).catch((error) => {
    // The machine lost a capability: another one may have it.
    throw error instanceof ProgramMissingError
      ? new TaskError(error.message, { retry: true, cause: error })
      : error;
  });
  context.signal.throwIfAborted();
  const failure = failureOf(declaration, result, reported);
  if (failure) throw failure;
  return reported.hasOutput ? reported.output : { exitCode: result.code, stdoutTail: result.stdoutTail };
}

async function resolvePaths(
  declaration: CommandDeclaration,
  input: Values,
  roots: readonly string[],
): Promise<Values> {
  const entries = Object.entries(input).map(async ([name, value]): Promise<[string, Value]> => {
    const isPath = declaration.input[name].type === "path" && typeof value === "string";
    return [name, isPath ? await findLocalInput(roots, value) : value];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function usesOutputDir({ args }: CommandDeclaration): boolean {
  return args.some((argument) => placeholdersIn(argument).includes("outputDir"));
}

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** What a program has reported so far; the last report of a kind counts. */
interface Reports {
  hasOutput: boolean;
  output?: unknown;
  failure?: { message: string; retry: boolean };
}

function newReports(): Reports {
  return { hasOutput: false };
}

function take(
  message: Message,
  reported: Reports,
  context: Pick<ExecutionContext, "progress" | "log">,
): void {
  switch (message.type) {
    case "progress": {
      const { percent, message: text, remaining_seconds: remainingSeconds } = message;
      const progress: Progress = { percent, message: text, remainingSeconds };
      return context.progress(progress);
    }
    case "result":
      reported.hasOutput = true;
      reported.output = message.output;
      return;
    case "error":
      reported.failure = { message: message.message, retry: message.retry };
      return;
    case "log":
      return logAt(context.log, message.level, message.message);
  }
}

function logAt(log: Logger, level: "debug" | "info" | "warning" | "error", text: string): void {
  log[level]("{text}", { text });
}

function truncatedMessage(line: string): Message | undefined {
  if (!line.startsWith("{")) return undefined;
  return { type: "error", message: `it printed a line longer than ${MAX_RESULT_BYTES} bytes`, retry: false };
}

function failureOf(
  declaration: CommandDeclaration,
  result: RunResult,
  { failure }: Reports,
): TaskError | undefined {
  const { name, retryExitCodes, timeoutSeconds } = declaration;
  const logTail = [...result.stdoutTail, ...result.stderrTail].join("\n").slice(-8_000);
  if (result.timedOut) {
    return new TaskError(`${name} was stopped after its limit of ${timeoutSeconds} s`, {
      retry: true,
      logTail,
    });
  }
  if (failure) return new TaskError(`${name}: ${failure.message}`, { retry: failure.retry, logTail });
  if (result.code === 0) return undefined;
  const last = result.stderrTail.findLast((line) => line.trim() !== "");
  const worthRetrying = result.code === null ||
    (retryExitCodes?.includes(result.code) ?? !FINAL_EXIT_CODES.includes(result.code));
  return new TaskError(
    `${name} ${describeExit(result)}${last === undefined ? "" : `: ${last.slice(0, 500)}`}`,
    {
      retry: worthRetrying,
      logTail,
    },
  );
}
