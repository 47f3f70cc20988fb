/** Shows a run as it goes on: what the agent says on standard output, what it does on standard error. */
import type { RunEvent } from "../agent/loop/events.ts";
import { usd } from "../agent/records.ts";
import type { FinishedRun } from "../agent/run.ts";
import { duration, paint, printable, type Terminal } from "./terminal.ts";

const MAX_SHOWN = 200;

/** One run on a terminal; with `json`, every event as a line. */
export class RunView {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  #line = "";

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
  }

  show(event: RunEvent): void {
    if (this.#json) return this.#terminal.out(JSON.stringify(event));
    switch (event.type) {
      case "text":
        return this.#say(event.text);
      case "retry":
        this.#line = ""; // it is said again
        return this.#note(`… ${event.reason}; asking again in ${duration(event.delayMs)}`, "yellow");
      case "model_call": {
        this.#flush();
        const { input, output, cacheRead, cacheWrite } = event.use;
        const read = input + cacheRead + cacheWrite;
        return this.#note(
          `  ${event.model}: ${read} tokens read (${cacheRead} cached), ${output} written, ` +
            `${usd(event.costUsd)}, so far ${usd(event.runCostUsd)}`,
          "grey",
        );
      }
      case "tool_call":
        return this.#note(`→ ${event.tool} ${JSON.stringify(event.input) ?? ""}`, "blue");
      case "tool_result":
        return this.#note(
          `← ${event.tool} (${duration(event.durationMs)}) ${event.result}`,
          event.failed ? "red" : "grey",
        );
    }
  }

  end({ stop, error, iterations, toolsUsed, costUsd, runId, text }: FinishedRun): void {
    if (this.#json) {
      const ended = {
        type: "run_ended",
        run_id: runId,
        stop,
        error,
        text,
        iterations,
        tools_used: toolsUsed,
        cost_usd: costUsd,
      };
      return this.#terminal.out(JSON.stringify(ended));
    }
    this.#flush();
    const tools = toolsUsed.length > 0 ? `, tools: ${toolsUsed.join(", ")}` : "";
    this.#note(
      `${stop}: ${iterations} model calls, ${usd(costUsd)}${tools} (run ${runId ?? "not recorded"})`,
      "bold",
    );
  }

  /** Whole lines as they come. */
  #say(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) this.#terminal.out(printable(line));
  }

  #flush(): void {
    if (this.#line) this.#terminal.out(printable(this.#line));
    this.#line = "";
  }

  #note(text: string, color: Parameters<typeof paint>[1]): void {
    const shown = printable(text);
    const cut = shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
    this.#terminal.err(paint(this.#terminal, color, cut));
  }
}
