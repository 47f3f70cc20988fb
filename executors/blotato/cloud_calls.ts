/** Single requests to Blotato's cloud service: rate limits kept, refusals explained, and repeated only where that is safe. */
import { backoffDelay } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { retryAfterMs } from "../../lib/net/retry_after.ts";
import { TaskError } from "../../lib/task/task.ts";
import { type JsonAnswer, requestJson } from "../upload/json_request.ts";
import { type BlotatoInput, destination } from "./input.ts";
import { unsure } from "./publisher.ts";
import { type RateLimit, rateLimit } from "./rate_limit.ts";

/** The service and its key. */
export interface CloudSettings {
  /** Without a slash at its end. */
  readonly blotatoApiUrl: string;
  readonly blotatoApiKey: string;
}

/** One request. */
export interface CloudCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly limit: keyof CloudLimits;
  /** Whether a request whose answer was lost may be sent again; a post may not. */
  readonly repeatable: boolean;
  /** For whom, in messages. */
  readonly input: BlotatoInput;
  readonly signal: AbortSignal;
}

/**
 * The limits of one key, shared by all tasks of the process. Requests a minute as help.blotato.com states them (media:
 * 10 in one place and 30 in another; the lower is kept); for accounts none is stated.
 */
export interface CloudLimits {
  readonly accounts: RateLimit;
  readonly media: RateLimit;
  readonly posts: RateLimit;
  readonly status: RateLimit;
}

/** Makes the limits. The window is a little longer than a minute, as requests do not all travel equally fast. */
export function cloudLimits(clock: Clock): CloudLimits {
  const perMinute = (max: number) => rateLimit(max, 61_000, clock);
  return { accounts: perMinute(60), media: perMinute(10), posts: perMinute(30), status: perMinute(60) };
}

const REQUEST_TIMEOUT_MS = 60_000;
const MAX_TRIES = 6;
const BACKOFF = { firstMs: 1_000, maxMs: 60_000 };
/** A longer wait is better spent in the queue. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Sends requests with one key. */
export class CloudCalls {
  readonly #settings: CloudSettings;
  readonly #limits: CloudLimits;
  readonly #clock: Clock;

  constructor(settings: CloudSettings, limits: CloudLimits, clock: Clock) {
    this.#settings = settings;
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * The body of the answer of success.
   * @throws TaskError, `uncertain` where a request that is not repeatable may have been heeded
   */
  async send(call: CloudCall): Promise<unknown> {
    for (let tries = 1;; tries++) {
      await this.#turn(call);
      const answer = await this.#ask(call, tries === MAX_TRIES);
      if (answer === undefined) {
        await this.#sleep(call, backoffDelay(tries, BACKOFF));
      } else if (answer.status === 429) {
        this.#obey(call, answer.headers.get("retry-after"), tries); // the limit holds back this call, too
      } else if (answer.status >= 500) {
        const what = `Blotato answered ${answer.status}${messageIn(answer.body)}`;
        if (!call.repeatable) throw unsure(call.input, what);
        if (tries === MAX_TRIES) throw failure(call, what, true);
        await this.#sleep(call, backoffDelay(tries, BACKOFF));
      } else if (answer.status >= 300) {
        throw refusal(call, answer);
      } else {
        return answer.body;
      }
    }
  }

  async #turn(call: CloudCall): Promise<void> {
    try {
      await this.#limits[call.limit].turn(call.signal);
    } catch (cause) {
      throw failure(call, "stopped before it was sent", true, cause);
    }
  }

  async #sleep(call: CloudCall, ms: number): Promise<void> {
    await this.#clock.sleep(ms, call.signal);
    if (call.signal.aborted) throw failure(call, "stopped before it was sent again", true);
  }

  /** Undefined where there was no answer and the request may be sent again. */
  async #ask(call: CloudCall, last: boolean): Promise<JsonAnswer | undefined> {
    const { blotatoApiUrl, blotatoApiKey } = this.#settings;
    try {
      return await requestJson({
        url: `${blotatoApiUrl}${call.path}`,
        method: call.method,
        headers: { "blotato-api-key": blotatoApiKey },
        body: call.body,
        signal: call.signal,
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
    } catch (error) {
      const sent = (error as { sent?: boolean }).sent ?? true; // an abort, too, comes at any moment
      const why = call.signal.aborted ? "it was stopped meanwhile" : (error as Error).message;
      if (sent && !call.repeatable) throw unsure(call.input, `its answer was lost (${why})`, error);
      if (call.signal.aborted || last) throw failure(call, `Blotato does not answer (${why})`, true, error);
      return undefined;
    }
  }

  #obey(call: CloudCall, retryAfter: string | null, tries: number): void {
    const wait = retryAfterMs(retryAfter, this.#clock.now()) ??
      backoffDelay(tries, { firstMs: 5_000, maxMs: 60_000 });
    this.#limits[call.limit].pause(Math.min(wait, MAX_RETRY_AFTER_MS));
    if (tries === MAX_TRIES || wait > MAX_RETRY_AFTER_MS) {
      throw failure(
        call,
        `Blotato answered 429: too many requests, try again in ${Math.ceil(wait / 1_000)} s`,
        true,
      );
    }
  }
}

/** A key is sent in a header, where only these characters may be. */
export function isUsableKey(key: string): boolean {
  return /^[\x21-\x7e]+$/.test(key);
}

/** The line for a call that failed, naming account and platform. */
export function failure(
  call: Pick<CloudCall, "input">,
  why: string,
  retry: boolean,
  cause?: unknown,
): TaskError {
  return new TaskError(`cannot post to ${destination(call.input)}: ${why}`, { retry, cause });
}

const ADVICE: Readonly<Record<number, string>> = {
  401: " (check BLOTATO_API_KEY)",
  402: " (check the Blotato subscription)",
  403: " (check BLOTATO_API_KEY and the Blotato subscription)",
  413: " (the file is too large for the Blotato plan)",
};

function refusal(call: CloudCall, { status, body }: JsonAnswer): TaskError {
  return failure(call, `Blotato answered ${status}${messageIn(body)}${ADVICE[status] ?? ""}`, status === 408);
}

/** Blotato's errors are `{statusCode, message}`; `message` may be a list. */
function messageIn(body: unknown): string {
  const { message, error } = (body ?? {}) as { message?: unknown; error?: unknown };
  const told = Array.isArray(message) ? message.join(", ") : message ?? error;
  return typeof told === "string" && told !== "" ? `: ${told.slice(0, 500)}` : "";
}
