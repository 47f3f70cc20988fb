/** Running programs: argument lists only, bounded output, and nothing of what they started left behind. */
import { type Clock, systemClock } from "./clock.ts";
import { baseEnvironment, findProgram } from "./process/lookup.ts";
import { BoundedLog, type LineHandler, LineSplitter, Tail } from "./process/output.ts";
import { endTree, type ProcessTree, TREE_VARIABLE } from "./process/tree.ts";

export { baseEnvironment, findProgram, type LineHandler };

/** What to run and within which bounds. */
export interface RunOptions {
  /** An absolute path, or a name looked up on `env.PATH` and in the usual folders. */
  readonly program: string;
  readonly args: readonly string[];
  /** An existing folder. */
  readonly cwd?: string;
  /** All of the environment; nothing is inherited. {@link baseEnvironment} unless told. */
  readonly env?: Readonly<Record<string, string>>;
  /** All of it, or a stream that is written on as it comes; closed at its end, or when the program has ended. */
  readonly stdin?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** Aborting ends the program and all that it started. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** From SIGTERM to SIGKILL; 10,000 unless told. */
  readonly killAfterMs?: number;
  /** Called with the pid, which is also the number of the program's group and session. */
  readonly onStart?: (pid: number) => void;
  /** If a line handler throws, the program is ended and the error thrown on. */
  readonly onStdoutLine?: LineHandler;
  readonly onStderrLine?: LineHandler;
  /** A file that all output goes to, up to `maxLogBytes` (10 MiB unless told). */
  readonly logFile?: string;
  readonly maxLogBytes?: number;
  /** Longer lines are cut; 64 KiB unless told. */
  readonly maxLineBytes?: number;
  /** How many last lines of each stream the result holds; 50 unless told. */
  readonly tailLines?: number;
  readonly clock?: Clock;
}

/** How a program ended. Code and signal are both null if it was never started because the signal had aborted. */
export interface RunResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdoutTail: string[];
  readonly stderrTail: string[];
  readonly durationMs: number;
  readonly aborted: boolean;
  readonly timedOut: boolean;
  /** Why the log file is incomplete, if it could not be written. */
  readonly logFailure?: string;
}

/** A program is not there, or may not be executed. */
export class ProgramMissingError extends Error {
  override readonly name = "ProgramMissingError";
  readonly program: string;
  constructor(program: string, cause?: unknown) {
    super(`cannot run ${program}: no such executable program; install it or correct its path or PATH`, {
      cause,
    });
    this.program = program;
  }
}

type Ending = "exit" | "timeout" | "abort";

/** How long what is left of a tree may go on after the program itself has ended, in ms. */
const LEFTOVER_GRACE_MS = 1_000;
/** How long output may still be read when everything known of the tree has ended, in ms. */
const OUTPUT_GRACE_MS = 500;

/**
 * Runs a program to its end and then ends everything that it left behind.
 * @throws {@link ProgramMissingError}; an Error if the folder is missing; whatever a line handler threw
 */
export async function runProgram(options: RunOptions): Promise<RunResult> {
  const clock = options.clock ?? systemClock;
  const stdoutTail = new Tail(options.tailLines ?? 50);
  const stderrTail = new Tail(options.tailLines ?? 50);
  const resultOf = (
    ending: Ending,
    status: Pick<RunResult, "code" | "signal">,
    durationMs: number,
  ): RunResult => ({
    code: status.signal === null ? status.code : null,
    signal: status.signal,
    stdoutTail: stdoutTail.lines(),
    stderrTail: stderrTail.lines(),
    durationMs,
    aborted: ending === "abort",
    timedOut: ending === "timeout",
  });
  if (options.signal.aborted) return resultOf("abort", { code: null, signal: null }, 0);

  await using log = options.logFile === undefined
    ? undefined
    : await BoundedLog.open(options.logFile, options.maxLogBytes ?? 10 * 2 ** 20);
  const { child, tree } = await start(options);
  const startedAt = clock.monotonic();
  const stop = new AbortController();
  const splitter = (tail: Tail, handle?: LineHandler) =>
    new LineSplitter(options.maxLineBytes ?? 65_536, (line, truncated) => {
      tail.add(line);
      handle?.(line, truncated);
    });
  const pipes = Promise.all([
    drain(child.stdout, splitter(stdoutTail, options.onStdoutLine), log, stop.signal),
    drain(child.stderr, splitter(stderrTail, options.onStderrLine), log, stop.signal),
    options.stdin === undefined ? undefined : feed(child, options.stdin, stop.signal),
  ]);
  let ending: Ending = "exit";
  try {
    options.onStart?.(child.pid);
    ending = await firstEnding(options, tree, pipes, clock);
  } finally {
    await endTree(tree, tree.gone ? LEFTOVER_GRACE_MS : options.killAfterMs ?? 10_000, clock)
      .finally(() => closePipes(pipes, stop, clock));
  }
  const result = resultOf(ending, await child.status, clock.monotonic() - startedAt);
  return log?.failure === undefined ? result : { ...result, logFailure: log.failure };
}

/** How a program ended, for people: `exited with status 3`, `was killed by SIGKILL (out of memory?)`. */
export function describeExit(result: Pick<RunResult, "code" | "signal" | "aborted" | "timedOut">): string {
  if (result.aborted) return "was stopped";
  if (result.timedOut) return "was stopped because it ran too long";
  if (result.signal === "SIGKILL") return "was killed by SIGKILL (out of memory?)";
  if (result.signal !== null) return `was killed by ${result.signal}`;
  return `exited with status ${result.code}`;
}

async function start(options: RunOptions): Promise<{ child: Deno.ChildProcess; tree: ProcessTree }> {
  const env = { ...options.env ?? baseEnvironment() };
  const program = await findProgram(options.program, env.PATH);
  if (program === undefined) throw new ProgramMissingError(options.program);
  if (options.cwd !== undefined) await requireFolder(options.cwd, options.program);
  const tag = crypto.randomUUID();
  const outer = Deno.env.get(TREE_VARIABLE);
  env[TREE_VARIABLE] = outer ? `${outer},${tag}` : tag;
  const child = spawn(program, {
    args: [...options.args],
    cwd: options.cwd,
    env,
    clearEnv: true,
    detached: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const tree: ProcessTree = { leader: child.pid, tag, known: new Map(), exited: child.status, gone: false };
  child.status.then(() => tree.gone = true);
  return { child, tree };
}

function spawn(program: string, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(program, options).spawn();
  } catch (error) {
    const missing = [Deno.errors.NotFound, Deno.errors.PermissionDenied, Deno.errors.NotCapable];
    throw missing.some((kind) => error instanceof kind) ? new ProgramMissingError(program, error) : error;
  }
}

async function requireFolder(path: string, program: string): Promise<void> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info?.isDirectory) {
    throw new Error(`cannot run ${program}: its folder ${path} does not exist; create it`);
  }
}

/** Waits for what comes first: the program's end, the time limit, the abort signal, or a failing line handler. */
async function firstEnding(
  options: RunOptions,
  tree: ProcessTree,
  pipes: Promise<unknown>,
  clock: Clock,
): Promise<Ending> {
  const settled = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  tree.exited.then(() => resolve("exit"), reject);
  pipes.catch(reject);
  if (options.timeoutMs !== undefined) {
    clock.sleep(options.timeoutMs, settled.signal).then(() => resolve("timeout"), reject);
  }
  const abort = () => resolve("abort");
  options.signal.addEventListener("abort", abort);
  if (options.signal.aborted) abort(); // it may have come while the program was being started
  try {
    return await promise;
  } finally {
    options.signal.removeEventListener("abort", abort);
    settled.abort();
  }
}

/** Writes stdin for as long as somebody reads it. @throws what a given stream fails with */
async function feed(
  { stdin: pipe, status }: Deno.ChildProcess,
  stdin: string | Uint8Array | ReadableStream<Uint8Array>,
  stop: AbortSignal,
): Promise<void> {
  const writer = pipe.getWriter();
  const goesOn = stdin instanceof ReadableStream;
  const source = (goesOn ? stdin : ReadableStream.from([bytesOf(stdin)])).getReader();
  let over = false;
  const end = () => {
    over = true;
    source.cancel().catch(() => {}); // nobody hears the rest
    writer.abort().catch(() => {});
  };
  stop.addEventListener("abort", end, { once: true });
  // A stream may go on for ever; a text is left to whatever else of the tree reads it.
  if (goesOn) void status.then(end);
  try {
    for (let next = await source.read(); !next.done && !over; next = await source.read()) {
      // The program may close its end early: how it ends tells whether anything is wrong.
      await writer.write(next.value).catch(end);
    }
  } finally {
    if (!over) await writer.close().catch(() => {});
  }
}

function bytesOf(stdin: string | Uint8Array): Uint8Array {
  return typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
}

/** Reads to the end, always, so that the program never waits for its reader. */
async function drain(
  pipe: ReadableStream<Uint8Array>,
  lines: LineSplitter,
  log: BoundedLog | undefined,
  stop: AbortSignal,
): Promise<void> {
  const reader = pipe.getReader();
  stop.addEventListener("abort", () => void reader.cancel(), { once: true });
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      lines.push(chunk.value);
      await log?.write(chunk.value);
    }
    lines.end();
  } finally {
    await reader.cancel();
  }
}

/** Waits for the end of the output, but not on a pipe that a process beyond reach holds open. */
async function closePipes(pipes: Promise<unknown>, stop: AbortController, clock: Clock): Promise<void> {
  const ended = new AbortController();
  try {
    await Promise.race([pipes, clock.sleep(OUTPUT_GRACE_MS, ended.signal)]);
  } finally {
    ended.abort();
    stop.abort();
  }
  await pipes;
}
