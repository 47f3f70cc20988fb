/** One JSON request to a service that the configuration names, within bounds of time and size. */
import { systemClock, within } from "../../lib/clock.ts";

/** What to ask. */
export interface JsonRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

/** What came back; redirects are not followed, so that no key goes where it was not meant to go. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the answer is no JSON. */
  readonly body: unknown;
}

/** There was no answer. `sent: false` says that the request surely never reached the service. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly sent: boolean;
  constructor(message: string, options: { sent: boolean; cause: unknown }) {
    super(message, { cause: options.cause });
    this.sent = options.sent;
  }
}

const MAX_ANSWER_BYTES = 2 ** 20;

/**
 * Sends the request and reads the answer, whatever its status.
 * @throws {@link RequestError} without the address; the signal's reason when aborted
 */
export async function requestJson(request: JsonRequest): Promise<JsonAnswer> {
  const { url, method, headers, body, signal, timeoutMs } = request;
  try {
    return await within(systemClock, timeoutMs, signal, async (cut) => {
      // A connection of its own: one that was kept open may be closed at the very moment of the request, and then
      // nobody could say whether the service has heeded it.
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const response = await fetch(url, {
        client,
        method,
        headers: { accept: "application/json", ...body === undefined ? {} : JSON_TYPE, ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "manual",
        signal: cut,
      });
      const text = await boundedText(response);
      return { status: response.status, headers: response.headers, body: parsed(text) };
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new RequestError(reasonOf(error), { sent: !neverConnected(error), cause: error });
  }
}

const JSON_TYPE = { "content-type": "application/json" };

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller goes by the status, or says that the answer is garbled
  }
}

/** Deno tells it in words only, in the error or (since 2.5) in its cause. */
function neverConnected(error: unknown): boolean {
  return error instanceof Error &&
    (/client error \(Connect\)/.test(error.message) || neverConnected(error.cause));
}

/** What went wrong, without the address that the runtime puts before it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const told = error.cause instanceof Error ? error.cause.message : error.message;
  return (/client error \(\w+\): (.*)/s.exec(told)?.[1] ?? told).slice(0, 300);
}
