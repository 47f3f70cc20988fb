/**
 * One attempt at a resumable upload (https://tus.io/protocols/resumable-upload) with tus-js-client. Its core alone is
 * used: the package's entry for Node loads a lock library that takes over the process's signals, so that the worker
 * would be sent each SIGTERM twice; and Node's HTTP client holds more in memory than `fetch`.
 */
import type { FileSource, HttpRequest, HttpStack, Upload, UploadOptions } from "tus-js-client";
import { StorageFault } from "./fault.ts";
import { type FilePart, fileStream } from "./file_stream.ts";
import { ask, type StorageAnswer, type StorageServer } from "./server.ts";

/** What to send and where. */
export interface TusAttempt {
  readonly server: StorageServer;
  /** Where uploads are created, below the server's address. */
  readonly endpoint: string;
  /** The upload to go on with; a new one is created without it. */
  readonly url?: string;
  readonly file: Deno.FsFile;
  readonly bytes: number;
  /** Storage takes no other than 6 MiB, but for the last piece. */
  readonly pieceBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** A new upload has been created; called before anything is sent. */
  onCreated(url: string): void;
  /** So many bytes have gone; fewer again when some were lost on the way. */
  onProgress(bytes: number): void;
  /** The server has so many bytes. */
  onConfirmed(bytes: number): void;
}

/** How it ended: everything is there, or the server refused, to be judged by the caller. */
export type TusEnd =
  | { readonly kind: "complete" }
  | { readonly kind: "refused"; readonly method: string; readonly answer: StorageAnswer };

/** The server may take its time for putting a piece away once it has all of it. */
const IDLE_MS = 120_000;
const NOT_TUS = "Supabase Storage gave an answer that is not of the tus protocol (is SUPABASE_URL right?)";

type TusUpload = new (source: FileSource, options: UploadOptions) => Upload;
/** The last request, and its answer once there is one. */
interface LastRequest {
  request?: HttpRequest;
  answer?: StorageAnswer;
}
interface TusCore {
  readonly default: { readonly default: TusUpload & { readonly defaultOptions: UploadOptions } };
}

/** Sends what is missing. @throws StorageFault when there is no answer; the signal's reason when aborted */
export async function attemptTusUpload(attempt: TusAttempt): Promise<TusEnd> {
  const { server, signal, bytes } = attempt;
  signal.throwIfAborted();
  const { default: { default: TusUpload } } = await import("tus-js-client/lib.es5/upload.js") as TusCore;
  const endpoint = server.url + attempt.endpoint;
  const end = Promise.withResolvers<TusEnd>();
  const last: LastRequest = {};
  const source = pieceSource(attempt.file, bytes);
  const upload = new TusUpload(source, {
    ...TusUpload.defaultOptions,
    // With both, the client would start from nothing after any refusal, also one that passes.
    ...attempt.url === undefined ? { endpoint } : { uploadUrl: attempt.url },
    uploadSize: bytes,
    chunkSize: attempt.pieceBytes,
    metadata: attempt.metadata,
    headers: attempt.headers,
    httpStack: httpStack(attempt, last),
    fileReader: { openFile: () => Promise.resolve(source) },
    fingerprint: () => Promise.resolve(""),
    storeFingerprintForResuming: false,
    retryDelays: null,
    onUploadUrlAvailable() {
      if (attempt.url !== undefined) return;
      upload.url = ownUrl(endpoint, upload.url ?? "");
      attempt.onCreated(upload.url);
    },
    onProgress: (sent) => attempt.onProgress(sent),
    onSuccess: () => end.resolve({ kind: "complete" }),
    onError(error) {
      const { request, answer } = last;
      if (request && answer && answer.status >= 300) {
        return end.resolve({ kind: "refused", method: request.getMethod(), answer });
      }
      const cause = "causingError" in error ? error.causingError : null;
      end.reject(cause ?? new StorageFault(NOT_TUS, { retry: true, cause: error }));
    },
  } as UploadOptions);
  const abort = () => {
    void upload.abort();
    end.reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    upload.start();
    return await end.promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * The upload's address at the configured server. Servers behind proxies often name themselves wrongly, and the key
 * must not go elsewhere.
 */
function ownUrl(endpoint: string, location: string): string {
  const id = /\/([\w.~%=+-]+)\/?$/.exec(URL.parse(location, endpoint)?.pathname ?? "")?.[1];
  if (id === undefined) {
    throw new StorageFault("Supabase Storage did not say where the upload is to go", { retry: true });
  }
  return `${endpoint}/${id}`;
}

/** A piece is where it lies in the file; it is read when it is sent. */
type Piece = FilePart & { readonly size: number };

function pieceSource(file: Deno.FsFile, size: number): FileSource {
  return {
    size,
    slice(start, wanted) {
      const end = Math.min(wanted, size);
      const value: Piece = { file, start, end, size: end - start };
      return Promise.resolve({ value, done: end === size });
    },
    close() {}, // the file is the caller's
  };
}

/** Requests by `fetch`, with the key. */
function httpStack(attempt: TusAttempt, last: LastRequest): HttpStack {
  const { server, signal } = attempt;
  return {
    getName: () => "fetch",
    createRequest(method, url): HttpRequest {
      const headers: Record<string, string> = {};
      let report = (_sent: number) => {};
      const stop = new AbortController();
      const request: HttpRequest = {
        getMethod: () => method,
        getURL: () => url,
        setHeader: (name, value) => void (headers[name] = value),
        getHeader: (name) => headers[name],
        setProgressHandler: (handler) => void (report = handler),
        async send(piece: Piece | null) {
          Object.assign(last, { request, answer: undefined });
          if (!url.startsWith(`${server.url}/`)) throw new Error("the upload is at another server");
          last.answer = await ask(server, {
            method,
            path: url.slice(server.url.length),
            headers,
            body: piece
              ? (moved) =>
                fileStream(piece, (sent) => {
                  moved();
                  report(sent);
                })
              : undefined,
            signal: AbortSignal.any([signal, stop.signal]),
            idleMs: piece ? IDLE_MS : undefined,
          });
          const { status, headers: answered, text } = last.answer;
          const offset = answered.get("upload-offset");
          if (status < 300 && offset !== null && /^\d{1,15}$/.test(offset)) {
            attempt.onConfirmed(Number(offset));
          }
          return {
            getStatus: () => status,
            getHeader: (name) => answered.get(name) ?? undefined,
            getBody: () => text,
            getUnderlyingObject: () => undefined,
          };
        },
        abort() {
          stop.abort();
          return Promise.resolve();
        },
        getUnderlyingObject: () => undefined,
      };
      return request;
    },
  };
}
