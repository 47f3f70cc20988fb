/**
 * What the worker and a program say to each other, version 1: one JSON object per line, UTF-8. Pure.
 *
 * The worker writes to the program's standard input:
 *   {"type":"task","protocol":1,"task":{…},"input":{…},"tempDir":"…","outputDir":"…"}   once, first
 *   {"type":"cancel"}                        it should stop; SIGTERM to all that it started follows at once
 * and closes it once the program has reported a result or an error.
 *
 * The program writes to its standard output, as often as it likes:
 *   {"type":"progress","percent":40,"message":"…","remaining_seconds":12}
 *   {"type":"log","level":"debug|info|warning|error","message":"…"}
 * and once, as its last word:
 *   {"type":"result","output":{…}}   or   {"type":"error","message":"…","retry":false}
 *
 * The first result or error is what counts, however the program ends after it: work that was reported done is not done
 * again because of a crash on the way out. A program that ends without either has failed. Other lines are counted and
 * reported. Standard error is kept as the tail of the task's log.
 */
import type { Progress, Task } from "../../lib/task/task.ts";
import { type Message, parseMessage } from "../command_messages.ts";
import { PROTOCOL } from "./manifest.ts";

/** The longest line that a program may write, in bytes. */
export const MAX_LINE_BYTES = 1_000_000;
/** How many lines of log one task may write. */
const MAX_LOG_LINES = 10_000;

/** The line that says that the program should stop. */
export const CANCEL_LINE = `{"type":"cancel"}\n`;

/** The first line. The claim's token stays with the worker. */
export function taskLine(
  task: Task,
  input: unknown,
  folders: { readonly tempDir: string; readonly outputDir: string },
): string {
  const { id, type, attempt, maxAttempts, priority, timeoutMs, createdAt, executionId, stepId, deadline } =
    task;
  const told = {
    id,
    type,
    attempt,
    maxAttempts,
    priority,
    timeoutMs,
    createdAt,
    executionId,
    stepId,
    deadline,
  };
  return JSON.stringify({ type: "task", protocol: PROTOCOL, task: told, input, ...folders }) + "\n";
}

/** What becomes of the task, in the program's own words. */
export type LastWord = Extract<Message, { type: "result" | "error" }>;

/** Who hears what a program says. */
export interface Listener {
  progress(progress: Progress): void;
  log(level: "debug" | "info" | "warning" | "error", text: string): void;
  /** Told once, with the first result or error. */
  lastWord(): void;
}

/** Everything that a program says, line by line. */
export class Reports {
  readonly #listener: Listener;
  #logLines = 0;
  #lastWord: LastWord | undefined;
  /** Lines that mean nothing here, and the first of them, cut to 200 characters. */
  stray = { count: 0, first: "" };

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  get lastWord(): LastWord | undefined {
    return this.#lastWord;
  }

  /** Takes one line of standard output; `truncated` if it was longer than {@link MAX_LINE_BYTES}. */
  take(line: string, truncated: boolean): void {
    if (line.trim() === "") return;
    const message = truncated ? undefined : parseMessage(line);
    if (truncated && line.startsWith("{")) return this.#end(line, tooLong);
    if (!message) return this.#isStray(line);
    switch (message.type) {
      case "progress": {
        if (this.#lastWord) return this.#isStray(line);
        const { percent, message: text, remaining_seconds: remainingSeconds } = message;
        return this.#listener.progress({ percent, message: text, remainingSeconds });
      }
      case "log":
        return this.#log(message.level, message.message);
      default:
        return this.#end(line, message);
    }
  }

  #end(line: string, word: LastWord): void {
    if (this.#lastWord) return this.#isStray(line);
    this.#lastWord = word;
    this.#listener.lastWord();
  }

  #log(level: "debug" | "info" | "warning" | "error", text: string): void {
    if (++this.#logLines <= MAX_LOG_LINES) return this.#listener.log(level, text);
    if (this.#logLines > MAX_LOG_LINES + 1) return;
    this.#listener.log("warning", `it wrote more than ${MAX_LOG_LINES} lines of log: the rest is dropped`);
  }

  #isStray(line: string): void {
    if (this.stray.count++ === 0) this.stray.first = line.slice(0, 200);
  }
}

const tooLong: LastWord = {
  type: "error",
  message: `it wrote a line longer than ${MAX_LINE_BYTES} bytes`,
  retry: false,
};
