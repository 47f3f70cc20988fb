/** Reading what a client sends, bounded in size and time. */
import { type Clock, systemClock } from "../clock.ts";
import { ApiError } from "./api_error.ts";

/** The largest body, in bytes, where nothing else is said. */
export const MAX_BODY_BYTES = 1_048_576;
const MAX_BODY_MS = 10_000;

/**
 * Reads a JSON body, whatever content type it claims; undefined when it is empty.
 * @throws {@link ApiError} 413, 408 when it does not arrive within 10 s, 400 when it is not JSON
 */
export async function readJson(
  request: Request,
  maxBytes: number = MAX_BODY_BYTES,
  clock: Clock = systemClock,
): Promise<unknown> {
  const bytes = await readBounded(request, maxBytes, clock);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ApiError(400, "bad_json", `The body is not JSON: ${(error as Error).message}`);
  }
}

/** @throws {@link ApiError} 400 unless the value is a JSON object; an empty body counts as `{}` */
export function asObject(body: unknown): Record<string, unknown> {
  if (body === undefined) return {};
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>;
  }
  throw new ApiError(400, "bad_request", "The body must be a JSON object");
}

async function readBounded(request: Request, maxBytes: number, clock: Clock): Promise<Uint8Array> {
  const tooLarge = () => new ApiError(413, "too_large", `The body is larger than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const done = new AbortController();
  const timeUp = clock.sleep(MAX_BODY_MS, done.signal).then(() => "timeUp" as const);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (true) {
      const next = await Promise.race([reader.read(), timeUp]);
      if (next === "timeUp") {
        throw new ApiError(408, "too_slow", `The body did not arrive within ${MAX_BODY_MS} ms`);
      }
      if (next.done) break;
      size += next.value.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(next.value);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // the connection may be gone; the first error tells
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "cut_off", `The body was cut off: ${(error as Error).message}`);
  } finally {
    done.abort();
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
