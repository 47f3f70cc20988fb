/** An executor that is a program of the owner's own: started for each task, spoken to in lines of JSON. */
import { isAbsolute, join } from "node:path";
import { type Clock, systemClock } from "../../lib/clock.ts";
import {
  baseEnvironment,
  describeExit,
  findProgram,
  ProgramMissingError,
  runProgram,
  type RunResult,
} from "../../lib/process.ts";
import {
  type Availability,
  type ExecutionContext,
  type Executor,
  type OutwardAct,
  TaskError,
} from "../../lib/task/task.ts";
import { resultFolder } from "../task_files.ts";
import type { Manifest } from "./manifest.ts";
import { CANCEL_LINE, MAX_LINE_BYTES, Reports, taskLine } from "./protocol.ts";
import { speech } from "./speech.ts";

/** What programs need of the configuration. */
export interface ProgramSettings {
  /** Holds one folder per task. */
  readonly outputDir: string;
}

/** How long SIGTERM waits for the cancel line to be written. */
const CANCEL_LINE_MS = 500;
/** How long a program may go on after its result or error. */
const LINGER_MS = 10_000;

/** Makes the executor that a manifest describes. */
export function programExecutor(
  manifest: Manifest,
  settings: ProgramSettings,
  clock: Clock = systemClock,
): Executor {
  const { type, description, input, outward } = manifest;
  return {
    type,
    description,
    input,
    check: () => checkProgram(manifest),
    plan: () => Promise.resolve(planLines(manifest, settings)),
    run(input, context) {
      const work = () => new Attempt(manifest, settings, context, clock).run(input);
      return outward === undefined ? work() : context.outward.perform(actOf(manifest, outward, input), work);
    },
  };
}

/** Where the program is, if the command does not leave that to PATH. */
export function programOf({ command: [program], folder }: Pick<Manifest, "command" | "folder">): string {
  return program.includes("/") && !isAbsolute(program) ? join(folder, program) : program;
}

async function checkProgram(manifest: Manifest): Promise<Availability> {
  const file = join(manifest.folder, "executor.json");
  if (!(await Deno.stat(file).catch(() => undefined))?.isFile) {
    return {
      available: false,
      reason: `${file} is gone`,
      fix: "put it back, or restart the worker without it",
    };
  }
  const program = programOf(manifest);
  if (await findProgram(program) !== undefined) return { available: true, version: manifest.version };
  const fix = program.includes("/") ? `put it there and run chmod u+x on it` : `install ${program}`;
  return {
    available: false,
    reason: `${program} was not found`,
    fix: `${fix}, or correct command in ${file}`,
  };
}

function planLines(manifest: Manifest, { outputDir }: ProgramSettings): string[] {
  const { command, folder, timeoutSeconds, outward } = manifest;
  const [, ...args] = command;
  return [
    `start ${JSON.stringify([programOf(manifest), ...args])} in ${folder}`,
    "write the task and its input to its standard input",
    ...outward === undefined ? [] : [`beforehand ask a person, since it does something outward (${outward})`],
    ...timeoutSeconds === undefined ? [] : [`stop it after ${timeoutSeconds} s`],
    `keep the files that it makes in a folder of the task below ${outputDir}`,
  ];
}

function actOf({ type, description }: Manifest, kind: string, input: unknown): OutwardAct {
  return { kind, summary: `${type}: ${description}`, preview: { type, input } };
}

type StopReason = "task" | "limit" | "lingers";

/** One run of the program for one attempt of a task. */
class Attempt {
  readonly #manifest: Manifest;
  readonly #settings: ProgramSettings;
  readonly #context: ExecutionContext;
  readonly #clock: Clock;
  /** Aborted when the program has to be ended. */
  readonly #end = new AbortController();
  /** Aborted when the program has ended. */
  readonly #over = new AbortController();
  #stopReason: StopReason | undefined;

  constructor(manifest: Manifest, settings: ProgramSettings, context: ExecutionContext, clock: Clock) {
    this.#manifest = manifest;
    this.#settings = settings;
    this.#context = context;
    this.#clock = clock;
  }

  async run(input: unknown): Promise<unknown> {
    const { task, tempDir, signal, log } = this.#context;
    const outputDir = await resultFolder(this.#settings.outputDir, task.id);
    const { stdin, say, close } = speech(taskLine(task, input, { tempDir, outputDir }));
    const stop = (reason: StopReason) => void this.#stop(reason, say);
    const reports = new Reports({
      progress: (progress) => this.#context.progress(progress),
      log: (level, text) => log[level]("{text}", { text }),
      lastWord: () => {
        close();
        this.#after(LINGER_MS, () => stop("lingers"));
      },
    });
    const onAbort = () => stop("task");
    try {
      signal.throwIfAborted();
      signal.addEventListener("abort", onAbort, { once: true });
      const { timeoutSeconds } = this.#manifest;
      if (timeoutSeconds !== undefined) this.#after(timeoutSeconds * 1000, () => stop("limit"));
      const result = await this.#start(tempDir, stdin, (line, cut) => reports.take(line, cut));
      return this.#outcome(result, reports);
    } finally {
      this.#over.abort();
      close();
      signal.removeEventListener("abort", onAbort);
      await Deno.remove(outputDir).catch(() => {}); // only an empty folder can be removed so
    }
  }

  async #start(
    tempDir: string,
    stdin: ReadableStream<Uint8Array>,
    onStdoutLine: (line: string, truncated: boolean) => void,
  ): Promise<RunResult> {
    const { command: [, ...args], folder, env } = this.#manifest;
    try {
      return await runProgram({
        program: programOf(this.#manifest),
        args,
        cwd: folder,
        env: { ...baseEnvironment(), ...passedOn(env), TMPDIR: tempDir },
        stdin,
        signal: this.#end.signal,
        maxLineBytes: MAX_LINE_BYTES,
        onStdoutLine,
      });
    } catch (error) {
      // The machine lost a capability: another one may have it.
      if (!(error instanceof ProgramMissingError)) throw error;
      throw new TaskError(error.message, { retry: true, cause: error });
    }
  }

  /** What the attempt came to. @throws TaskError, or the signal's reason */
  #outcome(result: RunResult, { lastWord, stray }: Reports): unknown {
    const { type } = this.#manifest;
    const { log, signal } = this.#context;
    const strayLines = `${stray.count} of its lines were no messages, the first: ${stray.first}`;
    if (stray.count > 0) log.warn("{text}", { text: strayLines });
    if (lastWord?.type === "result") {
      if (this.#stopReason === "lingers") log.warn("the program did not end by itself after its result");
      else if (!result.aborted && result.code !== 0) {
        log.warn("{text}", { text: `the program ${describeExit(result)} after its result` });
      }
      return lastWord.output;
    }
    signal.throwIfAborted();
    const logTail = result.stderrTail.join("\n").slice(-8_000);
    if (lastWord) throw new TaskError(`${type}: ${lastWord.message}`, { retry: lastWord.retry, logTail });
    // Whether an outward act has happened is known only from the program's own word.
    const uncertain = this.#manifest.outward !== undefined;
    if (this.#stopReason === "limit") {
      const limit = `its limit of ${this.#manifest.timeoutSeconds} s`;
      throw new TaskError(`${type} was stopped after ${limit}`, { retry: true, uncertain, logTail });
    }
    const said = result.stderrTail.findLast((line) => line.trim() !== "")?.slice(0, 500) ??
      (stray.count > 0 ? strayLines : undefined);
    const message = `${type} ${describeExit(result)} without a result${
      said === undefined ? "" : `: ${said}`
    }`;
    throw new TaskError(message, { retry: true, uncertain, logTail });
  }

  /** Tells the program to stop and then ends it with all that it started. */
  async #stop(reason: StopReason, say: (line: string) => Promise<void>): Promise<void> {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    await Promise.race([say(CANCEL_LINE), this.#clock.sleep(CANCEL_LINE_MS, this.#over.signal)]);
    this.#end.abort();
  }

  /** Does something after a while, unless the program has ended by then. */
  #after(ms: number, then: () => void): void {
    const { signal } = this.#over;
    void this.#clock.sleep(ms, signal).then(() => {
      if (!signal.aborted) then();
    });
  }
}

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
