/**
 * The tool loop: a goal goes to the model with the tools; the model calls tools; results go back; until it has an
 * answer or a limit is reached. What it does outwardly, costs and remembers is decided by what it is given.
 */
import type { Clock } from "../../clock.ts";
import type { ModelPrice } from "../prices.ts";
import type { RunListener } from "./events.ts";
import { trimHistory } from "./history.ts";
import type { RunLedger } from "./ledger.ts";
import type { MeteredModel } from "./metered.ts";
import type { ContentBlock, ModelMessage, ModelReply } from "./model.ts";
import type { RunOutcome, RunStop } from "./outcome.ts";
import { MAX_REPEATS, RepeatedCalls } from "./repeats.ts";
import type { LoopTool, ToolOutcome } from "./tools.ts";

/** What a run is made from. */
export interface LoopOptions {
  readonly meter: MeteredModel;
  readonly modelName: string;
  readonly price: ModelPrice;
  readonly systemPrompt: string;
  readonly tools: ReadonlyMap<string, LoopTool>;
  /** What the model is told first: the goal with its context, one text each. */
  readonly opening: readonly string[];
  /** What it is told besides the results of its calls, from turn to turn; asked before each. */
  readonly news?: () => Promise<readonly string[]>;
  /** Says how the run ends with this error of the model, the ledger or an abort. */
  readonly explain: (
    error: unknown,
  ) => { readonly stop: RunStop; readonly error: string; readonly retry: boolean };
  /** Does one call whose input is valid; throws only when aborted. */
  readonly callTool: (tool: LoopTool, input: unknown, callId: string) => Promise<ToolOutcome>;
  readonly ledger: Pick<RunLedger, "toolCall">;
  readonly maxIterations: number;
  readonly historyTokens: number;
  /** The longest answer, in tokens; 16,384 unless told. */
  readonly maxTokens?: number;
  /** How many tools of one answer run at once; 4 unless told. */
  readonly parallelTools?: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onEvent?: RunListener;
}

/** A call of a tool in an answer. */
interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

const MAX_TOKENS = 16_384;
/** How often an answer that was cut off may go on. */
const MAX_CONTINUATIONS = 2;

/** Runs to the end. Never rejects. */
export async function runLoop(options: LoopOptions): Promise<RunOutcome> {
  const run = new LoopRun(options);
  try {
    return await run.toEnd();
  } catch (error) {
    const { stop, error: why, retry } = options.explain(error);
    return { ...run.end(stop, why), retry };
  }
}

class LoopRun {
  readonly #options: LoopOptions;
  readonly #repeats = new RepeatedCalls();
  readonly #toolsUsed = new Set<string>();
  #messages: readonly ModelMessage[];
  #iterations = 0;
  #continuations = 0;
  #text = "";

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#messages = [{ role: "user", content: options.opening.map(textBlock) }];
  }

  async toEnd(): Promise<RunOutcome> {
    const { maxIterations, historyTokens } = this.#options;
    while (this.#iterations < maxIterations) {
      this.#iterations++;
      this.#messages = trimHistory(this.#messages, historyTokens);
      const reply = await this.#callModel();
      if (typeof reply === "string") return this.end("budget", reply);
      const ended = await this.#take(reply);
      if (ended) return ended;
    }
    return this.end("max_iterations", `stopped after ${maxIterations} calls of the model without an end`);
  }

  /** Calls the model within its budget; a text says why it may not. */
  #callModel(): Promise<ModelReply | string> {
    const { meter, modelName, price, systemPrompt, tools, signal, onEvent } = this.#options;
    return meter.call(
      {
        model: modelName,
        price,
        system: [textBlock(systemPrompt)],
        tools: [...tools.values()].map(({ description }) => description),
        messages: this.#messages,
        maxTokens: this.#options.maxTokens ?? MAX_TOKENS,
      },
      signal,
      {
        text: (text) => onEvent?.({ type: "text", text }),
        retry: (reason, delayMs) => onEvent?.({ type: "retry", reason, delayMs }),
      },
    );
  }

  /** Does what the answer asks for; the outcome, when it was the last. */
  async #take({ content, stopReason, stopDetails }: ModelReply): Promise<RunOutcome | undefined> {
    const calls = content.filter((block) => block.type === "tool_use") as ToolCall[];
    const said = content.flatMap((block) => block.type === "text" ? [block.text] : []).join("\n").trim();
    if (stopReason === "refusal") {
      return this.end("refusal", `the model refused${stopDetails ? `: ${stopDetails}` : " to go on"}`);
    }
    if (said) this.#text = said;
    if (content.length > 0) this.#add({ role: "assistant", content });
    if (stopReason === "pause_turn") return undefined;
    if (stopReason === "max_tokens") return await this.#goOn(calls, content);
    if (stopReason === "model_context_window_exceeded") {
      return this.end("max_tokens", "the conversation is longer than the model can read");
    }
    if (calls.length === 0) return this.end("end_turn");
    if (this.#repeats.add(calls)) {
      const names = [...new Set(calls.map(({ name }) => name))].join(", ");
      return this.end(
        "repeated_call",
        `stopped because it made the same call ${MAX_REPEATS} times in a row (${names})`,
      );
    }
    await this.#answer(await this.#runAll(calls));
    return undefined;
  }

  /** The answer was cut off at its longest: nothing of it is run. */
  async #goOn(calls: readonly ToolCall[], content: readonly ContentBlock[]): Promise<RunOutcome | undefined> {
    const usable = content.some(({ type }) => type === "text" || type === "tool_use");
    if (++this.#continuations > MAX_CONTINUATIONS || !usable) {
      return this.end("max_tokens", "the model's answer was cut off at its longest");
    }
    const cut =
      "The answer was cut off at its longest before this call was complete; nothing was done. Be shorter.";
    const results = calls.map(({ id }) => resultBlock(id, { content: cut, failed: true }));
    await this.#answer(
      results.length > 0
        ? results
        : [textBlock("Your answer was cut off. Go on where it stopped, and be short.")],
    );
    return undefined;
  }

  async #answer(blocks: readonly ContentBlock[]): Promise<void> {
    const news = await this.#options.news?.() ?? [];
    this.#add({ role: "user", content: [...blocks, ...news.map(textBlock)] });
  }

  /** The results in the order of the calls, whatever the order in which they come. */
  async #runAll(calls: readonly ToolCall[]): Promise<ContentBlock[]> {
    const results = new Array<ContentBlock>(calls.length);
    let next = 0;
    const lane = async () => {
      for (let at = next++; at < calls.length; at = next++) {
        results[at] = resultBlock(calls[at]!.id, await this.#runOne(calls[at]!));
      }
    };
    const lanes = Math.min(this.#options.parallelTools ?? 4, calls.length);
    await Promise.all(Array.from({ length: lanes }, lane));
    return results;
  }

  async #runOne({ id, name, input }: ToolCall): Promise<ToolOutcome> {
    const { tools, clock, ledger, onEvent, signal } = this.#options;
    signal.throwIfAborted();
    onEvent?.({ type: "tool_call", id, tool: name, input });
    const startedAt = clock.monotonic();
    const outcome = await this.#outcomeOf(tools.get(name), { id, name, input });
    const durationMs = clock.monotonic() - startedAt;
    this.#toolsUsed.add(name);
    await ledger.toolCall({ tool: name, input, result: outcome.content, failed: outcome.failed, durationMs });
    onEvent?.({
      type: "tool_result",
      id,
      tool: name,
      result: outcome.content,
      failed: outcome.failed,
      durationMs,
    });
    return outcome;
  }

  async #outcomeOf(tool: LoopTool | undefined, { id, name, input }: ToolCall): Promise<ToolOutcome> {
    if (!tool) return { content: `There is no tool ${name}.`, failed: true };
    const parsed = tool.parse(input);
    if ("problem" in parsed) return { content: parsed.problem, failed: true };
    return await this.#options.callTool(tool, parsed.value, id);
  }

  #add(message: ModelMessage): void {
    this.#messages = [...this.#messages, message];
  }

  /** The outcome as things stand. */
  end(stop: RunStop, error?: string): RunOutcome {
    return {
      stop,
      text: this.#text,
      error,
      retry: false,
      iterations: this.#iterations,
      toolsUsed: [...this.#toolsUsed],
      costUsd: this.#options.meter.costUsd,
    };
  }
}

function textBlock(text: string) {
  return { type: "text" as const, text };
}

function resultBlock(id: string, { content, failed }: ToolOutcome): ContentBlock {
  return { type: "tool_result", tool_use_id: id, content, ...(failed && { is_error: true }) };
}
