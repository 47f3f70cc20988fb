/** One HTTP exchange with a jobs server, bounded in time and size. */
import { type Clock, within } from "../clock.ts";

/** The largest answer that is read, in bytes: a job's result may be as large as what a server takes. */
const MAX_ANSWER_BYTES = 64 * 1024 ** 2;

/** What to send. */
export interface Exchange {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** What came back, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Redirects are not followed: the token is for this server. @throws Error when no whole answer comes in time */
export async function send(
  { url, method, headers, body, timeoutMs, clock, signal }: Exchange,
): Promise<Answer> {
  return await within(clock, timeoutMs, signal, async (signal) => {
    const response = await fetch(url, {
      method,
      headers: { ...headers, accept: "application/json", ...(body !== undefined && JSON_TYPE) },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: "manual",
      signal,
    });
    return { status: response.status, headers: response.headers, text: await bounded(response) };
  });
}

const JSON_TYPE = { "content-type": "application/json" };

async function bounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
