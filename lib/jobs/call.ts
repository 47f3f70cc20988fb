/** One call of a jobs server: sent, repeated where that is safe, and its answer read. */
import { z, type ZodType } from "zod";
import { backoffDelay } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { isLoopback } from "../config/schemas.ts";
import { type Answer, send } from "./http.ts";
import { API } from "./protocol.ts";

/** Where the server is and who calls. */
export interface JobsClientOptions {
  /** Without /api/v1. */
  readonly url: string;
  /** Sent as Authorization: Bearer. */
  readonly token?: string;
  readonly clock?: Clock;
  /** How long one answer may take, in ms, besides what a claim waits; 30,000 unless told. */
  readonly timeoutMs?: number;
  /** How often what may be repeated is tried, the first time included; 4 unless told. */
  readonly tries?: number;
}

/** What a {@link JobsError} knows besides its message. */
export interface JobsFailure extends ErrorOptions {
  /** The same may work later. */
  readonly transient: boolean;
  /** The HTTP status and the server's word, where it answered. */
  readonly status?: number;
  readonly code?: string;
  /** How long the server asked to wait, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** The server refused, or did not answer. The message holds no secret. */
export class JobsError extends Error {
  override readonly name = "JobsError";
  readonly transient: boolean;
  readonly status?: number;
  readonly code?: string;
  readonly retryAfterSeconds?: number;
  constructor(message: string, { transient, status, code, retryAfterSeconds, cause }: JobsFailure) {
    super(message, { cause });
    this.transient = transient;
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What to ask. */
export interface Call<T> {
  /** For messages: "cannot" and this. */
  readonly what: string;
  readonly method: "GET" | "POST";
  /** Below /api/v1, with its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** May be sent again after a doubtful failure. */
  readonly repeat: boolean;
  /** How long the server may take besides. */
  readonly extraMs?: number;
  /** What a 200 must hold; any other success reads as undefined. */
  readonly reply?: ZodType<T>;
}

/** A server that can be asked. */
export interface JobsCaller {
  readonly url: string;
  /** @throws {@link JobsError}, or the signal's reason */
  call<T>(request: Call<T>): Promise<T | undefined>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_TRIES = 4;
const BACKOFF = { firstMs: 500, maxMs: 10_000 };
/** A longer pause that a server asks for is the caller's to keep. */
const MAX_PAUSE_SECONDS = 30;

/** @throws {@link JobsError} for an address that is none, or where a token would cross a network in the clear */
export function jobsCaller(options: JobsClientOptions): JobsCaller {
  const { clock = systemClock, token, tries = DEFAULT_TRIES } = options;
  const url = checkedUrl(options.url, token !== undefined);

  async function once<T>(request: Call<T>): Promise<T | undefined> {
    const exchange = {
      url: url + API + request.path,
      method: request.method,
      headers: token === undefined ? undefined : { authorization: `Bearer ${token}` },
      body: request.body,
      timeoutMs: (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + (request.extraMs ?? 0),
      clock,
      signal: request.signal,
    };
    const answer = await send(exchange).catch((cause) => {
      request.signal?.throwIfAborted();
      const why = `Cannot ${request.what}: ${url} cannot be reached: ${(cause as Error).message}`;
      throw new JobsError(why, { transient: true, cause });
    });
    return read(answer, request, url);
  }

  return {
    url,
    async call(request) {
      for (let failures = 1;; failures++) {
        try {
          return await once(request);
        } catch (error) {
          if (!(error instanceof JobsError) || !error.transient) throw error;
          const { retryAfterSeconds = 0 } = error;
          if (!request.repeat || failures >= tries || retryAfterSeconds > MAX_PAUSE_SECONDS) throw error;
          await clock.sleep(
            Math.max(backoffDelay(failures, BACKOFF), retryAfterSeconds * 1000),
            request.signal,
          );
          request.signal?.throwIfAborted();
        }
      }
    },
  };
}

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

function read<T>({ status, headers, text }: Answer, request: Call<T>, url: string): T | undefined {
  const what = `Cannot ${request.what}: ${url} answered ${status}`;
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    if (status === 204 || !request.reply) return undefined;
    const parsed = request.reply.safeParse(body);
    if (parsed.success) return parsed.data;
    const [{ path, message }] = parsed.error.issues;
    throw new JobsError(
      `${what} with something else (${path.join(".") || "its body"}: ${message}; is it a jobs server?)`,
      { transient: false, status },
    );
  }
  const told = refusal.safeParse(body);
  const reason = told.success ? `: ${told.data.error.message.replace(/\s+/g, " ").slice(0, 500)}` : "";
  const hint = status === 401 ? " (check JOBS_TOKEN)" : "";
  const seconds = Number(headers.get("retry-after") ?? NaN);
  throw new JobsError(what + reason + hint, {
    transient: status >= 500 || status === 408 || status === 429,
    status,
    code: told.success ? told.data.error.code : undefined,
    retryAfterSeconds: seconds >= 0 ? seconds : undefined,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whoever reads it says what is wrong
  }
}

function checkedUrl(text: string, secret: boolean): string {
  const url = URL.parse(text);
  const odd = url && (url.username || url.password || url.search || url.hash);
  if (!url || !["http:", "https:"].includes(url.protocol) || odd) {
    throw new JobsError(
      "The jobs server's address must be http:// or https://, without a user, query or fragment " +
        "(check --server, JOBS_SERVER_URL or SERVER_URL in ~/.flowy)",
      { transient: false },
    );
  }
  if (secret && url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new JobsError(
      `Cannot send the token to ${url.origin}: http:// would show it to the network. Use https://, or no token.`,
      { transient: false },
    );
  }
  return url.href.replace(/\/+$/, "");
}
