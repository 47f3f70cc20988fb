/** A runner's own log on its way into the task's log and progress, and what is remembered of it. */
import type { ExecutionContext } from "../../lib/task/task.ts";
import { cleanLine } from "./failure.ts";

/** A chatty runner must not fill the worker's log. */
const MAX_LINES = 2000;
/** What tells nothing about the work. */
const NOISE = /^You are using cwltool version|^ANTLR runtime and generated code versions disagree/;
/** How ANTLR's parsers report; Toil 5.9 goes on regardless. */
const SYNTAX = /^line (\d+):\d+ ((?:extraneous|mismatched|no viable|missing|token recognition).*)/;

/** One run's log. */
export class RunnerLog {
  readonly #context: Pick<ExecutionContext, "log" | "progress">;
  #lines = 0;
  #syntax: string | undefined;

  constructor(context: Pick<ExecutionContext, "log" | "progress">) {
    this.#context = context;
  }

  /** What the runner's parser complained about first. */
  get syntax(): string | undefined {
    return this.#syntax;
  }

  /** Takes one line of either stream. */
  readonly take = (line: string): void => {
    const text = cleanLine(line);
    if (text === "" || NOISE.test(text)) return;
    const syntax = SYNTAX.exec(text);
    if (syntax) this.#syntax ??= `line ${syntax[1]}: ${syntax[2].slice(0, 300)}`;
    if (++this.#lines > MAX_LINES) return;
    this.#context.log.info("{text}", { text: text.slice(0, 2000) });
    this.#context.progress({ message: text.slice(0, 300) });
    if (this.#lines === MAX_LINES) this.#context.log.warn("the runner's further lines are not logged");
  };
}
