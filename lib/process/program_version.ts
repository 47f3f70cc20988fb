/**
 * Which version a program is. Executors are checked every minute, so a program is asked once and again only when its
 * file has changed.
 */
import { type Clock, systemClock } from "../clock.ts";
import { describeExit, findProgram, ProgramMissingError, runProgram } from "../process.ts";

/** How a program tells its version. */
export interface VersionQuestion {
  /** A name on PATH or a path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Its first group is the version, in one of the first lines printed on either stream. */
  readonly pattern: RegExp;
  /** 10,000 unless told. */
  readonly timeoutMs?: number;
}

/** What came of it: the program is not there, tells its version, or `problem` says why it does not. */
export type VersionAnswer =
  | { readonly found: false }
  | { readonly found: true; readonly path: string; readonly version: string }
  | { readonly found: true; readonly path: string; readonly version?: undefined; readonly problem: string };

interface Kept {
  /** Path, size and time of change of the file that was asked. */
  readonly mark: string;
  readonly askedAt: number;
  readonly answer: Promise<VersionAnswer>;
}

const MAX_LINES = 50;
/** The file may be a small script that starts another program: after an hour it is asked all the same. */
const ASK_AGAIN_MS = 3_600_000;
/** What keeps a program from starting may lie outside its file, such as a library that is missing. */
const ASK_AGAIN_AFTER_PROBLEM_MS = 300_000;

/** Asks programs for their versions and remembers the answers. Make one for each executor. */
export class ProgramVersions {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Starts the program only if nothing is known of its file as it is now. Never throws. */
  async ask(question: VersionQuestion): Promise<VersionAnswer> {
    const path = await findProgram(question.program);
    const mark = path && await markOf(path);
    if (!path || !mark) return { found: false };
    const key = [question.program, ...question.args].join("\0");
    const kept = this.#kept.get(key);
    if (kept?.mark === mark) {
      const answer = await kept.answer;
      const known = answer.found && answer.version !== undefined;
      const age = this.#clock.monotonic() - kept.askedAt;
      if (age < (known ? ASK_AGAIN_MS : ASK_AGAIN_AFTER_PROBLEM_MS)) return answer;
    }
    const answer = askProgram(path, question);
    this.#kept.set(key, { mark, askedAt: this.#clock.monotonic(), answer });
    return await answer;
  }
}

/** Changes when the file is replaced or written; undefined where it has just gone. */
async function markOf(path: string): Promise<string | undefined> {
  try {
    const real = await Deno.realPath(path);
    const { size, mtime } = await Deno.stat(real);
    return `${real} ${size} ${mtime?.getTime()}`;
  } catch {
    return undefined;
  }
}

async function askProgram(path: string, question: VersionQuestion): Promise<VersionAnswer> {
  const lines: string[] = [];
  const take = (line: string) => void (lines.length < MAX_LINES && lines.push(line));
  try {
    const result = await runProgram({
      program: path,
      args: question.args,
      signal: new AbortController().signal,
      timeoutMs: question.timeoutMs ?? 10_000,
      killAfterMs: 1000,
      onStdoutLine: take,
      onStderrLine: take,
    });
    const version = lines.map((line) => question.pattern.exec(line)?.[1]).find(Boolean);
    if (result.code === 0 && version) return { found: true, path, version };
    const said = result.code === 0 ? "tells no version" : describeExit(result);
    return { found: true, path, problem: `${[path, ...question.args].join(" ")} ${said}` };
  } catch (error) {
    if (error instanceof ProgramMissingError) return { found: false };
    return { found: true, path, problem: (error as Error).message };
  }
}
