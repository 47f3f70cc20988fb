/** JSON over HTTP to a service that the configuration names: bounded in time and size, with errors that say what to do. */
import { systemClock, within } from "../../lib/clock.ts";
import { retryAfterMs } from "../../lib/net/retry_after.ts";

/** One configured service. */
export interface Service {
  /** For messages and for the model, e.g. `market research`. */
  readonly name: string;
  /** Without a slash at its end; paths begin with one. */
  readonly baseUrl: string;
  /** Sent with every request: the authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The setting that holds the key, for messages. */
  readonly keySetting?: string;
  readonly fetch: typeof fetch;
}

/** What to ask. */
export interface ServiceRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** For messages: `read the queue`. */
  readonly purpose: string;
  /** Statuses besides 2xx that are answers and not errors. */
  readonly accept?: readonly number[];
  readonly signal: AbortSignal;
  /** For the whole exchange, in ms; 30 s unless told. */
  readonly timeoutMs?: number;
  /** How the body is read; JSON unless told. */
  readonly read?: "json" | "bytes";
}

/** What came back. */
export interface ServiceAnswer {
  readonly status: number;
  /** Undefined where a JSON answer was empty. */
  readonly body: unknown;
}

/**
 * Why a service did not do what it was asked.
 * - `unavailable`: there was no connection, so nothing has happened
 * - `rate_limited`: it answered 429, and has done nothing
 * - `refused`: it answered with another 4xx, and has done nothing
 * - `failed`: anything else; what was asked may have happened
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly kind: "unavailable" | "rate_limited" | "refused" | "failed";
  readonly service: string;
  /** How long it asks to be left alone, in ms, where it says so. */
  readonly retryAfterMs?: number;
  constructor(
    message: string,
    options: { kind: ServiceError["kind"]; service: string; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message.replace(/\s+/g, " ").slice(0, 500), { cause: options.cause });
    this.kind = options.kind;
    this.service = options.service;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 4 * 2 ** 20;

/**
 * Sends one request. Redirects are not followed, so that no key goes where it was not meant to go.
 * @throws {@link ServiceError}, never with an address in it; the signal's reason when aborted
 */
export async function askService(service: Service, request: ServiceRequest): Promise<ServiceAnswer> {
  try {
    return await within(
      systemClock,
      request.timeoutMs ?? TIMEOUT_MS,
      request.signal,
      (signal) => exchange(service, request, signal),
    );
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof ServiceError) throw error;
    throw neverConnected(error)
      ? serviceError(service, request, "cannot be reached", "unavailable", error)
      : serviceError(service, request, `failed: ${reasonOf(error)}`, "failed", error);
  }
}

async function exchange(
  service: Service,
  request: ServiceRequest,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const { method, path, body, accept = [] } = request;
  // A connection of its own: one that was kept open may be closed at the very moment of the request, and then nobody
  // could say whether the service has heeded it.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await service.fetch(service.baseUrl + path, {
    client,
    method,
    headers: {
      accept: request.read === "bytes" ? "*/*" : "application/json",
      ...body === undefined ? {} : { "content-type": "application/json" },
      ...service.headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: "manual",
    signal,
  });
  const bytes = await boundedBytes(response);
  const { status } = response;
  if (!response.ok && !accept.includes(status)) throw refusal(service, request, response, bytes);
  if (request.read === "bytes") return { status, body: bytes };
  return { status, body: parse(service, request, response, new TextDecoder().decode(bytes)) };
}

function parse(service: Service, request: ServiceRequest, response: Response, body: string): unknown {
  if (body.trim() === "") return undefined;
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!response.ok) return undefined;
    const why = `answered ${response.status} with something that is not JSON`;
    throw serviceError(service, request, why, "failed", error);
  }
}

function refusal(
  service: Service,
  request: ServiceRequest,
  response: Response,
  bytes: Uint8Array,
): ServiceError {
  const { status } = response;
  if (status === 401 || status === 403) {
    const check = service.keySetting ? ` (check ${service.keySetting})` : "";
    return serviceError(service, request, `answered ${status}${check}`, "refused");
  }
  const said = messageIn(new TextDecoder().decode(bytes));
  const why = `answered ${status}${said ? `: ${said}` : ""}`;
  if (status !== 429) {
    const nothingDone = status < 500 && status !== 408; // a 408 may come after the deed
    return serviceError(service, request, why, nothingDone ? "refused" : "failed");
  }
  return new ServiceError(`Cannot ${request.purpose}: ${service.name} ${why}`, {
    kind: "rate_limited",
    service: service.name,
    retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
  });
}

function serviceError(
  service: Service,
  request: ServiceRequest,
  why: string,
  kind: ServiceError["kind"],
  cause?: unknown,
): ServiceError {
  return new ServiceError(`Cannot ${request.purpose}: ${service.name} ${why}`, {
    kind,
    service: service.name,
    cause,
  });
}

async function boundedBytes(response: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`answered more than ${MAX_BODY_BYTES} bytes`);
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

/** `{error, message}` in the shapes that services use. */
function messageIn(body: string): string | undefined {
  try {
    const { error, message } = JSON.parse(body);
    const told = message ?? error?.message ?? error;
    return typeof told === "string" ? told.slice(0, 300) : undefined;
  } catch {
    return undefined; // no JSON: the status has to do
  }
}

/** Deno tells it in words only, in the error or (since 2.5) in its cause. */
export function neverConnected(error: unknown): boolean {
  return error instanceof Error &&
    (/client error \(Connect\)/.test(error.message) || neverConnected(error.cause));
}

/** What went wrong, without the address that the runtime puts before it. */
function reasonOf(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  const told = deepest instanceof Error ? deepest.message : String(deepest);
  return /client error \(\w+\): (.*)/s.exec(told)?.[1] ?? told;
}
