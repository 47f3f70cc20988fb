/** Why a run failed, in one line, and whether trying again could help. Pure. */
import { describeExit, type RunResult } from "../../lib/process.ts";
import { TaskError } from "../../lib/task/task.ts";

/** What is known of a run that did not end well. */
export interface RunFailure {
  /** The runner's name for people. */
  readonly runner: string;
  readonly result: Pick<RunResult, "code" | "signal" | "aborted" | "timedOut" | "stdoutTail" | "stderrTail">;
  /** What the runner found wrong with the WDL's grammar. */
  readonly syntax?: string;
  readonly message?: string;
  /** The task whose command failed, with its exit status and the end of its stderr. */
  readonly task?: string;
  readonly status?: number;
  readonly stderr?: string;
}

/** The machine's trouble, not the workflow's: may have passed next time, or on another machine. */
const PASSING = [
  /No space left on device|Disk quota exceeded|Cannot allocate memory|MemoryError|OutOfMemoryError/,
  /Resource temporarily unavailable|Too many open files|died with <Signals\.SIG(KILL|TERM)/,
  /Cannot connect to the Docker daemon|docker daemon is not running|toomanyrequests|TLS handshake timeout/i,
  /Temporary failure in name resolution|Connection (refused|reset|timed out)/i,
];
/** They only say that something else failed. */
const EMPTY_WORDS = /CalledProcessError|FailedJobsException|Exiting the worker because of a failed job/;
/** Commands that the system ended: 128 and SIGKILL (out of memory) or SIGTERM. */
const KILLED_STATUSES = [137, 143];
/** Lines that say what is wrong, best first. */
const TELLING = [
  /^\/bin\/sh: /,
  /^\s*(?:\w+\.)*\w*(?:Error|Exception|Failure)\b.*:/,
  /^error\b|\berror:|\[error\]|failed|exception/i,
];
const MAX_TAIL = 8000;

/** The error for a failed run; it carries the exit status of the command, or of the runner, as `exitCode`. */
export function runFailure(failure: RunFailure): TaskError & { exitCode?: number } {
  const { result, task, status, runner } = failure;
  const stderr = failure.stderr?.trim() ? failure.stderr : undefined;
  const printed = [...result.stdoutTail, ...result.stderrTail].join("\n");
  const logTail = (stderr ?? printed).slice(-MAX_TAIL);
  const killed = result.signal !== null || (status !== undefined && KILLED_STATUSES.includes(status));
  const retry = failure.syntax === undefined && (killed || PASSING.some((pattern) => pattern.test(printed)));
  const exitCode = status ?? result.code ?? undefined;
  const error = new TaskError(`${runner}: ${reasonOf(failure, stderr, task)}`, { retry, logTail });
  return exitCode === undefined ? error : Object.assign(error, { exitCode });
}

function reasonOf(failure: RunFailure, stderr: string | undefined, task: string | undefined): string {
  const { result, status, syntax, message } = failure;
  if (syntax !== undefined) return `the WDL does not parse: ${syntax}`;
  if (result.signal !== null) return describeExit(result);
  if (status !== undefined) {
    const killed = KILLED_STATUSES.includes(status) ? " (it was killed; out of memory?)" : "";
    const said = lastLine(stderr?.split("\n") ?? []);
    return `the command of ${task ?? "a task"} exited with status ${status}${killed}${
      said ? `: ${said}` : ""
    }`;
  }
  const said = message ?? tellingLine([...result.stdoutTail, ...result.stderrTail]);
  return `${describeExit(result)}${said ? `: ${short(said)}` : ""}`;
}

/** The line that tells most, without the log's own prefixes. */
export function tellingLine(lines: readonly string[]): string | undefined {
  const clean = lines.map(cleanLine).filter((line) => line !== "");
  const meaning = clean.filter((line) => !EMPTY_WORDS.test(line));
  const telling = TELLING.map((pattern) => meaning.findLast((line) => pattern.test(line)))
    .find((line) => line !== undefined);
  return telling ?? meaning.at(-1) ?? clean.at(-1);
}

/** A line of a log without colours, date, thread and level. */
export function cleanLine(line: string): string {
  return line
    // deno-lint-ignore no-control-regex -- escape sequences begin with one
    .replaceAll(/\x1b\[[\d;]*[A-Za-z]/g, "")
    .replace(/^\s*\[?\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]?\s*/, "")
    .replace(/^(?:\[[\w .()-]+\]\s*)+/, "")
    .replace(/^b'(.*?)(?:\\n)*'$/, "$1") // how Toil logs what a command printed
    .trim();
}

function lastLine(lines: readonly string[]): string | undefined {
  const last = lines.findLast((line) => line.trim() !== "");
  return last === undefined ? undefined : short(last.trim());
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}
