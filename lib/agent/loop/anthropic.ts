/** The model behind the Anthropic Messages API, by the official SDK; loaded when the first call is made. */
import type Anthropic from "@anthropic-ai/sdk";
import { type Clock, systemClock } from "../../clock.ts";
import { retryAfterMs } from "../../net/retry_after.ts";
import {
  type ContentBlock,
  type ModelClient,
  ModelError,
  type ModelReply,
  type ModelRequest,
} from "./model.ts";
import { type CallFailure, isTransientFailure, retryDelay } from "./retry.ts";

/** How to reach it. */
export interface AnthropicOptions {
  readonly apiKey: string;
  /** Another address than Anthropic's own. */
  readonly baseUrl?: string;
  readonly clock?: Clock;
  /** How long one answer may take, in ms; 10 minutes unless told. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 600_000;

/** A client; nothing is loaded or sent before the first call. */
export function anthropicModel(options: AnthropicOptions): ModelClient {
  const clock = options.clock ?? systemClock;
  let loading: Promise<{ sdk: typeof import("@anthropic-ai/sdk"); client: Anthropic }> | undefined;
  const load = async () => {
    const sdk = await import("@anthropic-ai/sdk");
    const client = new sdk.default({
      apiKey: options.apiKey,
      baseURL: options.baseUrl,
      maxRetries: 0, // made here, also for streams that break off
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      logLevel: "off",
    });
    return { sdk, client };
  };
  return {
    async call(request, signal, events = {}) {
      signal.throwIfAborted();
      const { sdk, client } = await (loading ??= load());
      for (let tries = 1;; tries++) {
        try {
          return await callOnce(client, request, signal, events.text);
        } catch (error) {
          signal.throwIfAborted();
          const failure = failureOf(sdk, error, clock.now());
          const delay = retryDelay(failure, tries);
          const reason = describe(failure, error as Error);
          if (delay === undefined) {
            throw new ModelError(`The model cannot be had: ${reason}`, {
              status: failure.status,
              transient: isTransientFailure(failure),
              cause: error,
            });
          }
          events.retry?.(reason, delay);
          await clock.sleep(delay, signal);
          signal.throwIfAborted();
        }
      }
    },
  };
}

async function callOnce(
  client: Anthropic,
  request: ModelRequest,
  signal: AbortSignal,
  onText?: (delta: string) => void,
): Promise<ModelReply> {
  const stream = client.messages.stream({
    model: request.model,
    max_tokens: request.maxTokens,
    system: [...request.system],
    messages: request.messages as Anthropic.MessageParam[],
    ...(request.tools.length > 0 && { tools: [...request.tools] }),
  }, { signal });
  if (onText) stream.on("text", onText);
  const message = await stream.finalMessage();
  if (!message.stop_reason) throw new Error("the answer broke off");
  const { usage } = message;
  return {
    model: message.model,
    content: message.content as ContentBlock[],
    stopReason: message.stop_reason,
    stopDetails: message.stop_details?.explanation ?? undefined,
    use: {
      input: usage.input_tokens,
      output: usage.output_tokens,
      cacheRead: usage.cache_read_input_tokens ?? 0,
      cacheWrite: usage.cache_creation_input_tokens ?? 0,
    },
  };
}

function failureOf(sdk: typeof import("@anthropic-ai/sdk"), error: unknown, now: number): CallFailure {
  // A mistake of our own, e.g. a request that cannot be written as JSON: not to be repeated.
  if (error instanceof TypeError && !/fetch|network|connection|stream|body/i.test(error.message)) {
    return { shouldRetry: false };
  }
  if (!(error instanceof sdk.APIError)) return {};
  const asked = error.headers?.get("x-should-retry");
  return {
    status: error.status,
    type: error.type ?? undefined,
    retryAfterMs: retryAfterMs(error.headers?.get("retry-after"), now),
    ...(asked && error.status !== undefined && { shouldRetry: asked === "true" }),
  };
}

const HINTS: Readonly<Record<number, string>> = {
  401: "check ANTHROPIC_API_KEY",
  403: "check what ANTHROPIC_API_KEY may do",
  404: "check the model's name and ANTHROPIC_BASE_URL",
};

/** In one line, without the headers and bodies that the SDK's own message may hold. */
function describe({ status, type }: CallFailure, error: Error): string {
  const said = saidIn(error);
  if (status !== undefined) {
    const hint = HINTS[status] ? ` (${HINTS[status]})` : "";
    return `Anthropic answered ${status}${said ? `: ${said}` : ""}${hint}`;
  }
  if (type) return `the answer broke off with ${type}${said ? `: ${said}` : ""}`;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message.replace(/\.$/, "")}${cause}`;
}

function saidIn(error: Error): string | undefined {
  const body = (error as { error?: { error?: { message?: unknown } } }).error;
  return typeof body?.error?.message === "string" ? body.error.message : undefined;
}
