/** JSON over HTTP to a queue service: bounded in time and size, with errors that say what to do. */
import { type Clock, within } from "../../clock.ts";
import { SourceError } from "../../task/task.ts";
import { readBounded } from "./read_bounded.ts";

/** One service. */
export interface HttpQueueOptions {
  /** For messages, e.g. `MPLite`. */
  readonly name: string;
  /** Without a slash at its end; paths begin with one. */
  readonly baseUrl: string;
  /** Sent with every request: the authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** The setting that holds the key, for messages. */
  readonly keySetting: string;
  readonly clock: Clock;
}

/** A status that the caller asked to see, with the body's JSON (undefined where it was empty). */
export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Statuses in the sense of an answer, besides 2xx. */
export interface RequestOptions {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Other statuses than 2xx that are answers and not errors. */
  readonly accept?: readonly number[];
  /** For messages: `claim an item`. */
  readonly purpose: string;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 4 * 2 ** 20;
const PASSING = [408, 409, 425, 429];

/** Talks to one service. */
export class HttpQueue {
  readonly #options: HttpQueueOptions;

  constructor(options: HttpQueueOptions) {
    this.#options = options;
  }

  /** @throws SourceError: transient unless the service refuses this very request */
  async request(request: RequestOptions): Promise<HttpAnswer> {
    try {
      return await within(
        this.#options.clock,
        TIMEOUT_MS,
        request.signal,
        (signal) => this.#request(request, signal),
      );
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof SourceError) throw error;
      throw this.failure(request.purpose, (error as Error).message, true, error);
    }
  }

  /** What went wrong, in the words of this service. */
  failure(purpose: string, why: string, transient: boolean, cause?: unknown): SourceError {
    const text = why.replace(/\s+/g, " ").slice(0, 300);
    return new SourceError(`Cannot ${purpose}: ${this.#options.name} ${text}`, { transient, cause });
  }

  async #request({ method, path, body, accept = [], purpose }: RequestOptions, signal: AbortSignal) {
    const { baseUrl, headers } = this.#options;
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        accept: "application/json",
        ...body === undefined ? {} : { "content-type": "application/json" },
        ...headers,
      },
      ...body === undefined ? {} : { body: JSON.stringify(body) },
      redirect: "manual",
      signal,
    }).catch((error) => {
      throw this.failure(purpose, `cannot be reached: ${rootCause(error)}`, true, error);
    });
    const text = await readBounded(response, MAX_BODY_BYTES);
    const { status } = response;
    if (!response.ok && !accept.includes(status)) throw this.#refusal(purpose, status, text);
    return { status, body: this.#parse(purpose, status, text, response.ok) };
  }

  #parse(purpose: string, status: number, text: string, mustBeJson: boolean): unknown {
    if (text.trim() === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!mustBeJson) return undefined;
      throw this.failure(purpose, `answered ${status} with something that is not JSON`, true, error);
    }
  }

  /** A wrong key is no fault of the task at hand: what waits to be told must wait on. */
  #refusal(purpose: string, status: number, text: string): SourceError {
    const said = messageIn(text);
    if (status === 401 || status === 403) {
      return this.failure(purpose, `answered ${status} (check ${this.#options.keySetting})`, true);
    }
    const transient = status >= 500 || status < 400 || PASSING.includes(status);
    return this.failure(purpose, `answered ${status}${said ? `: ${said}` : ""}`, transient);
  }
}

/** `{error: code, message}`, in the shapes that the services use. */
function messageIn(text: string): string | undefined {
  try {
    const { error, message } = JSON.parse(text);
    const told = message ?? error?.message ?? error;
    return typeof told === "string" ? told : undefined;
  } catch {
    return undefined;
  }
}

function rootCause(error: unknown): string {
  let deepest = error as Error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  return deepest.message;
}
