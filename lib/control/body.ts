/** Reading what a client sends, bounded in size and time. */
import { type Clock, systemClock } from "../clock.ts";
import { ApiError } from "./api_error.ts";

/** The largest body, in bytes, where nothing else is said. */
export const MAX_BODY_BYTES = 1_048_576;
const MAX_BODY_MS = 10_000;
/** How deep lists and objects may be nested: databases and programs read them by recursion. */
const MAX_DEPTH = 100;

/**
 * Reads a JSON body, whatever content type it claims; undefined when it is empty.
 * @throws {@link ApiError} 413, 408 when it does not arrive within 10 s, 400 when it is not JSON or nested too deep
 */
export async function readJson(
  request: Request,
  maxBytes: number = MAX_BODY_BYTES,
  clock: Clock = systemClock,
): Promise<unknown> {
  const bytes = await readBounded(request, maxBytes, clock);
  if (bytes.length === 0) return undefined;
  if (depthOf(bytes) > MAX_DEPTH) {
    throw new ApiError(400, "too_deep", `The body is nested deeper than ${MAX_DEPTH} levels`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ApiError(400, "bad_json", `The body is not JSON: ${(error as Error).message}`);
  }
}

/** How deep the brackets outside of strings are nested; found before anything is parsed. */
function depthOf(json: Uint8Array): number {
  const [quote, backslash, open, close, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (quoted) {
      if (byte === backslash) at++;
      else if (byte === quote) quoted = false;
    } else if (byte === quote) quoted = true;
    else if (byte === open || byte === openBrace) deepest = Math.max(deepest, ++depth);
    else if (byte === close || byte === closeBrace) depth--;
  }
  return deepest;
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
