/** Calls of models within a run's budgets, each reserved before and written down after. */
import type { Clock } from "../../clock.ts";
import { affordableOutput, leastCost } from "../budget.ts";
import { costOf, type ModelPrice } from "../prices.ts";
import { withCacheMarks } from "./caching.ts";
import type { RunListener } from "./events.ts";
import { estimateTokens } from "./history.ts";
import type { RunLedger } from "./ledger.ts";
import type { ModelClient, ModelEvents, ModelReply, ModelRequest } from "./model.ts";

/** What the calls of one run share. */
export interface MeterOptions {
  readonly model: ModelClient;
  readonly ledger: RunLedger;
  readonly clock: Clock;
  readonly onEvent?: RunListener;
}

/** A call whose answer may be so long at most, in tokens. */
export interface MeteredRequest extends ModelRequest {
  readonly price: ModelPrice;
}

/** The models of one run, whichever it calls. */
export class MeteredModel {
  readonly #options: MeterOptions;
  #costUsd = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /** What the run has cost so far, in US dollars. */
  get costUsd(): number {
    return this.#costUsd;
  }

  /**
   * Makes the call; a text says which budget forbids it.
   * @throws {@link ModelError}, a DatabaseError where the ledger is away, or the signal's reason
   */
  async call(
    { price, ...request }: MeteredRequest,
    signal: AbortSignal,
    events: ModelEvents = {},
  ): Promise<ModelReply | string> {
    const { model, ledger, clock, onEvent } = this.#options;
    const { maxTokens: most, ...prompt } = request;
    const promptTokens = estimateTokens(prompt);
    const leave = await ledger.beginModelCall(request.model, leastCost(price, promptTokens));
    if (!leave.allowed) return leave.why;
    const maxTokens = affordableOutput(price, promptTokens, leave.leftUsd, most);
    const startedAt = clock.monotonic();
    const end = {
      callId: leave.callId,
      use: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      costUsd: 0,
    };
    try {
      const reply = await model.call(withCacheMarks({ ...request, maxTokens }), signal, events);
      const costUsd = costOf(price, reply.use);
      this.#costUsd += costUsd;
      const { use, stopReason } = reply;
      const durationMs = clock.monotonic() - startedAt;
      await ledger.endModelCall({
        ...end,
        status: "done",
        use,
        costUsd,
        model: reply.model,
        stopReason,
        durationMs,
      });
      onEvent?.({ type: "model_call", model: reply.model, use, costUsd, runCostUsd: this.#costUsd });
      return reply;
    } catch (error) {
      // An answer that was being written when it broke off may have been charged: the estimate of a call that was
      // aborted stands.
      if (!signal.aborted) {
        const { message } = error as Error;
        const durationMs = clock.monotonic() - startedAt;
        await ledger.endModelCall({ ...end, status: "failed", error: message, durationMs });
      }
      throw error;
    }
  }
}
