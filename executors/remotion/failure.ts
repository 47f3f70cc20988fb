/** Why Remotion failed, in one line, and whether trying again could help. Pure. */
import { stripVTControlCharacters } from "node:util";
import { describeExit, type RunResult } from "../../lib/process.ts";
import { TaskError } from "../../lib/task/task.ts";
import { describeMemory, type MemoryFigures } from "./memory.ts";

/** What is known of a run that did not end well. */
export interface FailedRun {
  readonly composition: string;
  readonly result: RunResult;
  readonly memory: MemoryFigures;
  readonly timeoutSeconds: number;
  /** The last progress that it told, for people. */
  readonly lastProgress?: string;
}

/** Node's own limit, and Chrome's word for it. */
const OUT_OF_MEMORY = /JavaScript heap out of memory|ran out of memory|Cannot allocate memory|\bENOMEM\b/;
/** A helper of Remotion was killed, or the browser went away under it. */
const HELPER_KILLED = /with signal (SIG[A-Z]+)|\((?:signal )?(SIG[A-Z]+)\)/;
const BROWSER_GONE = /Page crashed|Target closed|The browser crashed/;
/** The machine's or the network's trouble, which may pass: thrown also by the project's own code. */
const PASSING = new RegExp(
  [
    "ENOSPC|EMFILE|ENFILE|EAGAIN|No space left|EADDRINUSE|No available ports",
    "net::ERR_|ETIMEDOUT|ECONNRE|ENOTFOUND|EAI_AGAIN|Failed to fetch|NetworkError|Load failed|[Tt]imed? ?out",
    "not cleared after|Failed to launch|Could not play|Error loading (?:image|video|audio)|Could not load",
    "status(?: code)? (?:5\\d\\d|429)",
  ].join("|"),
);
const NO_COMPOSITION = /(?:Could not|Cannot) find composition/;
/** The options do not suit the installed Remotion or the composition. */
const BAD_OPTION =
  /^(?:CRF must be|The (?:CRF|"?codec)|Codec|frame range|Frame range)|out of range|must be between|is not inbetween/;

/** The error for a run of `remotion render`. */
export function remotionFailure(run: FailedRun): TaskError {
  const { result } = run;
  const error = thrownError(result);
  const printed = withoutQueries(
    [...result.stdoutTail, ...result.stderrTail].map(stripVTControlCharacters).join("\n"),
  );
  const logTail = printed.slice(-8_000);
  const fail = (reason: string, retry: boolean) =>
    new TaskError(`Remotion cannot render ${run.composition}: ${reason}`, { retry, logTail });
  const killed = killReason(run, printed, error?.message ?? "");
  if (killed) return fail(`${killed} (${describeMemory(run.memory)})`, true);
  if (result.timedOut) {
    const where = run.lastProgress ? `, when it had ${run.lastProgress}` : "";
    const limit = `it took longer than its limit of ${run.timeoutSeconds} s${where}`;
    return fail(`${limit} (raise REMOTION_TIMEOUT_SECONDS or lower scale)`, true);
  }
  if (error === undefined) return fail(`it ${describeExit(result)}`, true);
  if (NO_COMPOSITION.test(error.message)) return fail(error.message, false);
  const final = error.ofProject || BAD_OPTION.test(error.message);
  return fail(describe(error), !final || PASSING.test(error.message));
}

/** Whether a message of the render service speaks of something that will not change by trying again. */
export function isFinalMessage(message: string): boolean {
  return NO_COMPOSITION.test(message) || (BAD_OPTION.test(message) && !PASSING.test(message));
}

/** How the run was ended by something else than its own work; undefined when it was not. */
function killReason({ result, memory }: FailedRun, printed: string, message: string): string | undefined {
  const advice = "lower REMOTION_CONCURRENCY or scale, or free memory";
  const byWhom = memory.oomKills > 0
    ? `by the system, which ran out of memory; ${advice}`
    : `by the system for lack of memory or by somebody; ${advice}`;
  if (result.timedOut) {
    return BROWSER_GONE.test(printed)
      ? `its browser crashed and it did not go on before its time limit; ${advice}`
      : undefined;
  }
  if (OUT_OF_MEMORY.test(printed)) return `it ran out of memory; ${advice}`;
  // A shell or npm in between tells a signal as 128 and its number.
  const signal = result.signal ??
    { 134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM" }[result.code ?? 0];
  if (signal === "SIGKILL") return `it was killed (SIGKILL), ${byWhom}`;
  if (signal) return `it was killed by ${signal}`;
  if (BROWSER_GONE.test(message)) return `its browser crashed or was killed, ${byWhom}`;
  const helper = HELPER_KILLED.exec(message);
  if (helper) return `its encoder was killed (${helper[1] ?? helper[2]}), ${byWhom}`;
  return memory.oomKills > 0 ? `the system ran out of memory and killed a part of it; ${advice}` : undefined;
}

/** An error as Remotion prints it. */
interface ThrownError {
  readonly message: string;
  /** Thrown inside the page, by the project's code or for its props. */
  readonly ofProject: boolean;
  readonly frame?: number;
  /** `src/film.jsx:6` */
  readonly place?: string;
}

/**
 * Errors from the page are printed as ` TypeError  message`, their place on stdout; all others with their stack,
 * as `TypeError: message`.
 */
function thrownError({ stdoutTail, stderrTail }: RunResult): ThrownError | undefined {
  const errors = stderrTail.map(stripVTControlCharacters);
  const inPage = errors.map((line) => /^ (\w*(?:Error|Exception)) {2}(.+)$/.exec(line)?.[2]).find(Boolean);
  const shown = stdoutTail.map(stripVTControlCharacters);
  if (inPage) {
    const frame = shown.map((line) => /while rendering frame (\d+)/.exec(line)?.[1]).find(Boolean);
    const place = shown.map((line) => /^at (?!.*\(|node_modules\/)(\S+:\d+)/.exec(line)?.[1]).find(Boolean);
    return {
      message: withoutName(inPage),
      ofProject: true,
      ...frame === undefined ? {} : { frame: Number(frame) },
      ...place === undefined ? {} : { place },
    };
  }
  const build = errors.map((line) => /^(\S.*:\d+:\d+): ERROR: (.+)$/.exec(line)).find(Boolean);
  if (build) return { message: build[2]!.slice(0, 500), ofProject: false, place: build[1] };
  const plain = errors.map((line) => /^\w*(?:Error|Exception): (.+)$/.exec(line)?.[1]).findLast(Boolean);
  const last = errors.findLast((line) => line.trim() !== "" && !isMemoryNotice(line));
  const message = plain ?? last?.trim();
  return message === undefined ? undefined : { message: withoutName(message), ofProject: false };
}

function withoutName(message: string): string {
  return withoutQueries(message.replace(/^(?:\w*Error: )+/, "")).slice(0, 500);
}

/** Queries of URLs may hold signatures and keys. */
function withoutQueries(text: string): string {
  return text.replace(/(https?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/g, "$1");
}

/** Remotion's notices about containers, which are no errors. */
function isMemoryNotice(line: string): boolean {
  return /^(?:Memory reported|Detected differing memory|You might have inadvertently|Using the lower)/.test(
    line,
  );
}

function describe({ message, frame, place }: ThrownError): string {
  const where = [frame === undefined ? undefined : `frame ${frame}`, place].filter((part) =>
    part !== undefined
  );
  return where.length === 0 ? message : `${message} (${where.join(", ")})`;
}
