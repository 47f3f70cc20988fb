/** Requests to one Supabase project's Storage, with its key. */
import { idleLimit } from "../net/idle_limit.ts";
import { explainNetworkError } from "./fault.ts";

/** Where it is and what opens it. */
export interface StorageServer {
  /** Ends in `/storage/v1`. */
  readonly url: string;
  readonly key: string;
}

/** One request; the key is added. */
export interface StorageRequest {
  readonly method: string;
  /** Below the server's address, encoded, e.g. `/object/info/bucket/file`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or what makes a stream and tells whenever some of it was taken. */
  readonly body?: string | ((moved: () => void) => ReadableStream<Uint8Array>);
  readonly signal: AbortSignal;
  /** How long nothing may move, in ms. */
  readonly idleMs?: number;
}

/** An answer of any status. */
export interface StorageAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** At most 64 KiB of the body, without the key should it stand there. */
  readonly text: string;
  readonly retryAfter: string | null;
}

const IDLE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** The project's Storage. @param supabaseUrl e.g. `https://<project>.supabase.co` */
export function storageServer(supabaseUrl: string, key: string): StorageServer {
  return { url: `${supabaseUrl.replace(/\/+$/, "")}/storage/v1`, key };
}

/**
 * Sends one request and reads the answer. Redirects are not followed: the key would go with them.
 * @throws StorageFault that may pass when there is no answer, also when aborted
 */
export async function ask(server: StorageServer, request: StorageRequest): Promise<StorageAnswer> {
  const idle = idleLimit(request.idleMs ?? IDLE_MS);
  const answered = new AbortController();
  const signal = AbortSignal.any([request.signal, idle.signal, answered.signal]);
  try {
    const response = await fetch(server.url + request.path, {
      method: request.method,
      // New keys (sb_secret_…) are no JWTs: the gateway goes by `apikey`, older ones by `authorization`.
      headers: { ...request.headers, apikey: server.key, authorization: `Bearer ${server.key}` },
      body: typeof request.body === "function" ? request.body(idle.alive) : request.body,
      redirect: "manual",
      signal,
    });
    return {
      status: response.status,
      headers: response.headers,
      text: (await readSome(response)).replaceAll(server.key, "***"),
      retryAfter: response.headers.get("retry-after"),
    };
  } catch (error) {
    throw explainNetworkError(signal.aborted ? signal.reason : error);
  } finally {
    idle.stop();
    answered.abort(); // an answer may come before the whole body has gone: the rest of it is of no use
  }
}

/** Whether the status says that it worked. */
export function isSuccess({ status }: StorageAnswer): boolean {
  return status >= 200 && status < 300;
}

async function readSome(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let room = MAX_ANSWER_BYTES;
  for await (const piece of response.body ?? []) {
    pieces.push(piece.subarray(0, room));
    room -= piece.length;
    if (room <= 0) break;
  }
  return await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text();
}
