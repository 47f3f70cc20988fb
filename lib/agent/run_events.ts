/**
 * What an agent's process tells of a run while it goes on, for whoever watches: bounded in size and number, and without
 * secrets. Text comes as it is written, a piece at a time.
 */
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Redactor } from "../log/redaction.ts";
import type { RunEvent } from "./loop/events.ts";

/** The longest text in an event, in characters. */
export const MAX_EVENT_TEXT = 4_000;
const text = z.string().max(MAX_EVENT_TEXT);
const name = z.string().max(200);
const usd = z.number().nonnegative();

/** One event of a run. `input` is JSON, cut where it is long. Costs in US dollars. */
export const agentRunEventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text }),
  /** The text since the last call is void: the model is asked again. */
  z.object({ kind: z.literal("retry"), reason: text }),
  z.object({ kind: z.literal("tool_call"), call_id: name, tool: name, input: text }),
  z.object({
    kind: z.literal("tool_result"),
    call_id: name,
    tool: name,
    result: text,
    failed: z.boolean(),
    duration_ms: z.number().nonnegative(),
  }),
  z.object({
    kind: z.literal("model_call"),
    model: name,
    input_tokens: z.number().nonnegative(),
    output_tokens: z.number().nonnegative(),
    cost_usd: usd,
    /** Of the run so far. */
    run_cost_usd: usd,
  }),
]);

/** One of them, as the agent's process writes it. */
export type ReportedRunEvent = z.output<typeof agentRunEventSchema>;
/** The same with the run's beginning and its end, which have reports of their own. */
export type AgentRunEvent =
  | ReportedRunEvent
  | { readonly kind: "started"; readonly goal: string | null }
  | { readonly kind: "ended"; readonly outcome: string; readonly error: string | null };

/** What a relay works with. */
export interface RunRelayOptions {
  readonly report: (event: ReportedRunEvent) => void;
  readonly redactor: Redactor;
  readonly clock: Clock;
}

/** How long text is gathered, in ms. */
const GATHER_MS = 500;
/** A word that goes on may be the beginning of a secret: so much of it is held back. */
const MAX_HELD_BACK = 300;

/** Passes the events of one run on. */
export class RunRelay {
  readonly #options: RunRelayOptions;
  #text = "";
  #gathering: AbortController | undefined;

  constructor(options: RunRelayOptions) {
    this.#options = options;
  }

  /** Takes them as they happen. */
  take(event: RunEvent): void {
    if (event.type === "text") return this.#gather(event.text);
    this.#flush(true);
    this.#options.report(this.#short(event));
  }

  /** The run is over. */
  end(): void {
    this.#flush(true);
  }

  #gather(text: string): void {
    this.#text += text;
    if (this.#text.length >= MAX_EVENT_TEXT) return this.#flush(false);
    if (this.#gathering) return;
    const over = this.#gathering = new AbortController();
    void this.#options.clock.sleep(GATHER_MS, over.signal).then(() => {
      if (over.signal.aborted) return;
      this.#gathering = undefined;
      this.#flush(false);
    });
  }

  #flush(all: boolean): void {
    if (all) {
      this.#gathering?.abort();
      this.#gathering = undefined;
    }
    const end = all ? this.#text.length : safeEnd(this.#text);
    const clean = this.#options.redactor.text(this.#text.slice(0, end));
    this.#text = this.#text.slice(end);
    for (let at = 0; at < clean.length; at += MAX_EVENT_TEXT) {
      this.#options.report({ kind: "text", text: clean.slice(at, at + MAX_EVENT_TEXT) });
    }
    if (!all && this.#text !== "") this.#gather("");
  }

  #short(event: Exclude<RunEvent, { type: "text" }>): ReportedRunEvent {
    const { redactor } = this.#options;
    const text = (given: string) => redactor.text(given).slice(0, MAX_EVENT_TEXT);
    switch (event.type) {
      case "retry":
        return { kind: "retry", reason: text(event.reason) };
      case "tool_call": {
        const input = JSON.stringify(redactor.value(event.input)) ?? "null";
        return {
          kind: "tool_call",
          call_id: event.id.slice(0, 200),
          tool: event.tool.slice(0, 200),
          input: input.slice(0, MAX_EVENT_TEXT),
        };
      }
      case "tool_result":
        return {
          kind: "tool_result",
          call_id: event.id.slice(0, 200),
          tool: event.tool.slice(0, 200),
          result: text(event.result),
          failed: event.failed,
          duration_ms: Math.round(event.durationMs),
        };
      case "model_call":
        return {
          kind: "model_call",
          model: event.model.slice(0, 200),
          input_tokens: event.use.input + event.use.cacheRead + event.use.cacheWrite,
          output_tokens: event.use.output,
          cost_usd: event.costUsd,
          run_cost_usd: event.runCostUsd,
        };
    }
  }
}

/** Where a text may be cut without cutting a word, and with it perhaps a secret. */
function safeEnd(text: string): number {
  const lastSpace = /\s\S*$/.exec(text)?.index ?? -1;
  const heldBack = text.length - (lastSpace + 1);
  return heldBack > MAX_HELD_BACK ? text.length : lastSpace + 1;
}
