/** Posting JSON to a service that the owner chose, and saying what went wrong without its address, which may be a secret. */
import { retryAfterMs } from "../../net/retry_after.ts";
import { cut } from "../bounds.ts";
import { DeliveryError } from "../notification.ts";

/** Where to, and how a person calls it. */
export interface JsonTarget {
  /** e.g. `Slack`. */
  readonly service: string;
  readonly url: string;
  /** What to check when it refuses. */
  readonly setting: string;
  /** Reads what the service itself says about an error, and how long it asks to wait, in ms. */
  readonly explain?: (body: unknown) => { readonly why?: string; readonly retryAfterMs?: number };
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** Posts it. @throws {@link DeliveryError} unless the answer is a success */
export async function postJson(target: JsonTarget, body: unknown, signal: AbortSignal): Promise<void> {
  const { service, url } = target;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "actp-worker" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal,
    });
    text = await readBounded(response);
  } catch (error) {
    throw new DeliveryError(`cannot reach ${service}: ${withoutUrls(error)}`, { retry: true, cause: error });
  }
  if (response.ok) return;
  throw refusal(target, response, text);
}

/** What an answer that is no success means. */
function refusal({ service, setting, explain }: JsonTarget, response: Response, text: string): DeliveryError {
  const { status, headers } = response;
  const told = explain?.(parse(text)) ?? {};
  const why = told.why ?? text;
  const retry = isWorthRetrying(status);
  const said = why.trim() === "" ? "" : `: ${cut(why.replace(/\s+/g, " ").trim(), 200)}`;
  return new DeliveryError(`${service} answered ${status}${said}${retry ? "" : ` (check ${setting})`}`, {
    retry,
    retryAfterMs: told.retryAfterMs ?? retryAfterMs(headers.get("retry-after"), Date.now()),
  });
}

/** Whether the same request may be taken later. */
export function isWorthRetrying(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** An error's message, in which fetch puts the whole URL, with every URL reduced to its host. */
export function withoutUrls(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\bhttps?:\/\/[^\s)"']+/gi, (url) => URL.parse(url)?.host ?? "an address");
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) break; // which also cancels the rest
  }
  return new TextDecoder().decode(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
