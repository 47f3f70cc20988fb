/**
 * A stand-in for the Anthropic Messages API over real HTTP and SSE. It refuses what the API would refuse, thinking that
 * is sent back after something before it has changed included, and plays the turns of a script.
 */
import { createHash } from "node:crypto";
import { aborted } from "../clock.ts";
import { type MessagesRequest, readRequest } from "./anthropic_schema.ts";
import { type Asked, scriptedServer } from "./scripted_server.ts";

/** One answer. */
export type Turn =
  | {
    readonly thinking?: string;
    readonly say?: string;
    /** Tool calls; all of a turn are parallel. */
    readonly calls?: readonly { readonly name: string; readonly input: unknown; readonly id?: string }[];
    /** `tool_use` with calls and `end_turn` without, unless told. */
    readonly stop?: string;
    /** Why it refuses. */
    readonly refusal?: string;
    readonly outputTokens?: number;
    /** The last call's input ends in the middle, as when `max_tokens` is reached. */
    readonly cutInput?: boolean;
  }
  /** An HTTP error. */
  | { readonly status: number; readonly retryAfter?: string; readonly message?: string }
  /** The answer ends after this text, without its end. */
  | { readonly cutAfter: string }
  /** After this text nothing comes any more. */
  | { readonly hangAfter: string }
  /** The stream ends with an error event of this type. */
  | { readonly streamError: string }
  /** Nothing comes, until the test is over or the client gives up. */
  | { readonly hang: true };

/** `await using api = anthropicServer([...])` */
export interface AnthropicServer extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  /** The valid requests, in order. */
  readonly requests: readonly MessagesRequest[];
  /** What was wrong with those that were not valid. */
  readonly refused: readonly string[];
}

const KEY = "sk-ant-test-0123456789abcdef";

/** Plays the turns one after the other; a function makes each from the request. What is beyond the script is refused. */
export function anthropicServer(
  script: readonly Turn[] | ((request: MessagesRequest, nth: number) => Turn),
): AnthropicServer {
  const requests: MessagesRequest[] = [];
  const refused: string[] = [];
  const cache = { tokens: 0 };
  const refuse = (status: number, type: string, message: string) => {
    if (status === 400) refused.push(message);
    return Response.json({ type: "error", error: { type, message } }, { status });
  };
  const server = scriptedServer((asked, _nth, signal) => {
    const wrong = envelopeProblem(asked);
    if (wrong) return refuse(wrong.status, wrong.type, wrong.message);
    const read = readRequest(asked.body);
    if ("problem" in read) return refuse(400, "invalid_request_error", read.problem);
    const bound = thinkingProblem(read.request);
    if (bound) return refuse(400, "invalid_request_error", bound);
    requests.push(read.request);
    const nth = requests.length;
    const turn = typeof script === "function" ? script(read.request, nth) : script[nth - 1];
    if (!turn) return refuse(400, "invalid_request_error", `the script has no turn ${nth}`);
    return play(turn, read.request, nth, cache, signal);
  });
  return {
    url: server.url,
    key: KEY,
    requests,
    refused,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function envelopeProblem({ method, path, headers }: Asked) {
  if (method !== "POST" || path !== "/v1/messages") {
    return { status: 404, type: "not_found_error", message: `${method} ${path}` };
  }
  const key = headers.get("x-api-key") ?? headers.get("authorization")?.replace(/^Bearer /, "");
  if (key !== KEY) return { status: 401, type: "authentication_error", message: "invalid x-api-key" };
  if (!/^\d{4}-\d\d-\d\d$/.test(headers.get("anthropic-version") ?? "")) {
    return { status: 400, type: "invalid_request_error", message: "anthropic-version: header is required" };
  }
  if (!headers.get("content-type")?.startsWith("application/json")) {
    return {
      status: 400,
      type: "invalid_request_error",
      message: "content-type: must be application/json",
    };
  }
  return undefined;
}

function play(
  turn: Turn,
  request: MessagesRequest,
  nth: number,
  cache: { tokens: number },
  signal: AbortSignal,
): Response | Promise<Response> {
  if ("status" in turn) {
    const types: Record<number, string> = { 429: "rate_limit_error", 529: "overloaded_error" };
    const type = types[turn.status] ?? (turn.status >= 500 ? "api_error" : "invalid_request_error");
    return Response.json({ type: "error", error: { type, message: turn.message ?? type } }, {
      status: turn.status,
      headers: turn.retryAfter ? { "retry-after": turn.retryAfter } : {},
    });
  }
  if ("hang" in turn) {
    return aborted(signal).then(() => new Response(null));
  }
  return stream(eventsOf(turn, request, nth, cache), "hangAfter" in turn ? signal : undefined);
}

type Event = { readonly type: string; readonly [field: string]: unknown };

function* eventsOf(
  turn: Turn,
  request: MessagesRequest,
  nth: number,
  cache: { tokens: number },
): Generator<Event> {
  const prompt = Math.ceil(JSON.stringify(request).length / 4);
  const read = Math.min(cache.tokens, prompt);
  cache.tokens = prompt;
  const usage = {
    input_tokens: 0,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: prompt - read,
    output_tokens: 1,
  };
  const message = {
    id: `msg_${nth}`,
    type: "message",
    role: "assistant",
    model: request.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage,
  };
  yield { type: "message_start", message };
  if ("streamError" in turn) {
    return yield { type: "error", error: { type: turn.streamError, message: "in the middle" } };
  }
  if ("cutAfter" in turn) return yield* textEvents(0, turn.cutAfter);
  if ("hangAfter" in turn) return yield* textEvents(0, turn.hangAfter);
  if ("status" in turn || "hang" in turn) return;
  let index = 0;
  if (turn.thinking !== undefined) yield* thinkingEvents(index++, turn.thinking, prefixDigest(request));
  if (turn.say) yield* textEvents(index++, turn.say);
  const calls = turn.calls ?? [];
  for (const [at, { name, input, id }] of calls.entries()) {
    const whole = JSON.stringify(input);
    const json = turn.cutInput && at === calls.length - 1 ? whole.slice(0, whole.length / 2) : whole;
    const content_block = { type: "tool_use", id: id ?? `toolu_${nth}_${at}`, name, input: {} };
    yield { type: "content_block_start", index, content_block };
    for (const partial_json of [json.slice(0, 5), json.slice(5)]) {
      yield { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json } };
    }
    yield { type: "content_block_stop", index: index++ };
  }
  yield {
    type: "message_delta",
    delta: {
      stop_reason: turn.stop ?? (turn.refusal ? "refusal" : calls.length > 0 ? "tool_use" : "end_turn"),
      stop_sequence: null,
      stop_details: turn.refusal ? { type: "refusal", explanation: turn.refusal } : null,
    },
    usage: { output_tokens: turn.outputTokens ?? 20 },
  };
  yield { type: "message_stop" };
}

function* textEvents(index: number, text: string): Generator<Event> {
  yield { type: "content_block_start", index, content_block: { type: "text", text: "" } };
  const half = Math.ceil(text.length / 2);
  for (const part of [text.slice(0, half), text.slice(half)].filter(Boolean)) {
    yield { type: "content_block_delta", index, delta: { type: "text_delta", text: part } };
  }
  yield { type: "content_block_stop", index };
}

function* thinkingEvents(index: number, thinking: string, signature: string): Generator<Event> {
  yield {
    type: "content_block_start",
    index,
    content_block: { type: "thinking", thinking: "", signature: "" },
  };
  yield { type: "content_block_delta", index, delta: { type: "thinking_delta", thinking } };
  yield { type: "content_block_delta", index, delta: { type: "signature_delta", signature } };
  yield { type: "content_block_stop", index };
}

/** `hangs`: the stream stays open until this signal aborts. */
function stream(events: Iterable<Event>, hangs?: AbortSignal): Response {
  const encoder = new TextEncoder();
  const iterator = events[Symbol.iterator]();
  let given = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = iterator.next();
      if (!next.done) {
        const { type } = next.value;
        return controller.enqueue(encoder.encode(`event: ${type}\ndata: ${JSON.stringify(next.value)}\n\n`));
      }
      if (hangs) await aborted(hangs);
      if (given) controller.close();
    },
    cancel: () => void (given = false),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** A thinking block belongs to what stood before it; the marks of the cache are no part of that. */
function prefixDigest(
  { system, tools, messages }: Pick<MessagesRequest, "system" | "tools" | "messages">,
): string {
  const text = JSON.stringify(
    { system, tools, messages },
    (key, value) => key === "cache_control" ? undefined : value,
  );
  return createHash("sha256").update(text).digest("base64");
}

function thinkingProblem({ system, tools, messages }: MessagesRequest): string | undefined {
  for (const [at, message] of messages.entries()) {
    if (message.role !== "assistant") continue;
    for (const [block, part] of message.content.entries()) {
      if (part.type !== "thinking") continue;
      if (part.signature === prefixDigest({ system, tools, messages: messages.slice(0, at) })) continue;
      return `messages.${at}.content.${block}: Invalid \`signature\` in \`thinking\` block. The block is bound to a different conversation.`;
    }
  }
  return undefined;
}
