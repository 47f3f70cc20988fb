/** One request to a render service: bounded in time and size, its answer sorted by what it means for the task. */
import { type Clock, within } from "../../lib/clock.ts";
import { retryAfterMs } from "../../lib/net/retry_after.ts";
import { readBounded } from "../../lib/queue/http/read_bounded.ts";
import { TaskError } from "../../lib/task/task.ts";
import { readError } from "./service_answer.ts";

/** The service, as the owner configured it. */
export interface RenderService {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key?: string;
  readonly clock: Clock;
}

/** `later`: worth asking again, after the time that the service asks for if it does. */
export type ServiceAnswer =
  | { readonly kind: "answer"; readonly body: unknown }
  | { readonly kind: "absent" }
  | { readonly kind: "later"; readonly why: string; readonly afterMs?: number };

const TIMEOUT_MS = 30_000;
const MAX_BODY_BYTES = 2 ** 20;

/** @throws TaskError when the service refuses; the signal's reason when it aborts */
export async function callService(
  service: RenderService,
  request: { method: "GET" | "POST" | "DELETE"; path: string; body?: unknown },
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  try {
    return await within(service.clock, TIMEOUT_MS, signal, (limited) => ask(service, request, limited));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskError) throw error;
    return { kind: "later", why: rootCause(error) };
  }
}

/** Whether the service lives; it needs no key for that. */
export async function isAlive(service: RenderService, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await within(service.clock, 5_000, signal, async (limited) => {
      const response = await fetch(`${service.url}/health`, { redirect: "manual", signal: limited });
      await response.body?.cancel();
      return response.status;
    });
    return answer >= 200 && answer < 300 ? undefined : `its /health answered ${answer}`;
  } catch (error) {
    return rootCause(error);
  }
}

async function ask(
  { url, key, clock }: RenderService,
  { method, path, body }: { method: string; path: string; body?: unknown },
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      accept: "application/json",
      ...body === undefined ? {} : { "content-type": "application/json" },
      ...key === undefined ? {} : { "x-api-key": key },
    },
    ...body === undefined ? {} : { body: JSON.stringify(body) },
    redirect: "manual", // the key must not travel to somewhere else
    signal,
  });
  const { status } = response;
  const answer = parse(await readBounded(response, MAX_BODY_BYTES));
  if (response.ok) {
    return answer === undefined
      ? { kind: "later", why: `answered ${status} without JSON` }
      : { kind: "answer", body: answer };
  }
  const said = readError(answer);
  const why = `answered ${status}${said ? `: ${said}` : ""}`;
  if (status === 404) return { kind: "absent" };
  if (status === 429 || status === 408 || status >= 500) {
    const afterMs = retryAfterMs(response.headers.get("retry-after"), clock.now());
    return { kind: "later", why, ...afterMs === undefined ? {} : { afterMs } };
  }
  if (status === 401 || status === 403) {
    throw new TaskError(`Cannot render: the render service answered ${status} (check REMOTION_SERVICE_KEY)`, {
      retry: true,
    });
  }
  const redirected = status >= 300 && status < 400;
  const advice = redirected ? " (check REMOTION_SERVICE_URL)" : "";
  throw new TaskError(`Cannot render: the render service ${why}${advice}`, { retry: redirected });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rootCause(error: unknown): string {
  let deepest = error as Error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  return deepest.message.slice(0, 300);
}
