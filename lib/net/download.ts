/** Fetching a file that a task names, from the public internet only, within bounds of size and time. */
import { backoffDelay } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { TaskError } from "../task/task.ts";
import type { HttpAnswer } from "./http_get.ts";
import { idleLimit } from "./idle_limit.ts";
import { downloadFailure, openUrl } from "./open_url.ts";
import { PartialFile } from "./partial_file.ts";
import { continues, rangeHeaders } from "./range.ts";
import { retryAfterMs } from "./retry_after.ts";

/** What to fetch, where to put it, and the bounds. */
export interface DownloadOptions {
  /** http or https, without user name and password. */
  readonly url: string;
  /** A path where nothing is yet. The file is readable by its owner only. */
  readonly file: string;
  readonly maxBytes: number;
  /** For everything: names, redirects, the whole body, waiting before going on. */
  readonly timeoutMs: number;
  /** Allows addresses that are not on the public internet. */
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
  /** Media types that will do, e.g. `["video/*"]`; all of them unless told. */
  readonly expectedTypes?: readonly string[];
  /** Of the whole file, hex. */
  readonly sha256?: string;
  /** Called after each piece; the total is known if the server tells it. Starts again when the download has to. */
  readonly onProgress?: (receivedBytes: number, totalBytes?: number) => void;
  /** Finds a name's IP addresses; the machine's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<string[]>;
  /** Certificates (PEM) to trust besides the machine's. */
  readonly caCerts?: string[];
  /** How long nothing may arrive before the connection counts as broken; 30 s unless told. */
  readonly idleMs?: number;
  /** Waits before going on; the machine's clock unless told. */
  readonly clock?: Clock;
}

/** What was fetched. */
export interface Downloaded {
  readonly bytes: number;
  /**
   * As the server called it, lower case, without parameters; empty if it did not. Where it said no more than "bytes"
   * and certain types are expected: as the first bytes show.
   */
  readonly contentType: string;
}

const IDLE_MS = 30_000;
const BACKOFF = { firstMs: 500, maxMs: 10_000 };
/** Failures in a row, without a byte that is new. */
const MAX_FAILURES = 5;
/** How often it may start again from nothing. */
const MAX_RESTARTS = 2;
/** Client errors that pass: time-out, too early, too many requests. */
const PASSING_4XX = [408, 425, 429];

/** An attempt that failed in a way that may pass. */
interface Break {
  readonly reason: string;
  readonly cause?: unknown;
  /** The server asked to wait so long, in ms. */
  readonly waitMs?: number;
}

/**
 * Streams a URL to a file. Every address is checked before it is connected to, also after each redirect; proxies
 * are not used. When the connection breaks in the middle, it goes on where it was if the server can do that and the
 * file is the same, and starts again otherwise. On failure no file is left.
 * @throws {@link TaskError}, without retry for what will not change: bad URL, private address, 4xx, too large, of
 * another type; the signal's reason when aborted
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs);
  const signal = AbortSignal.any([options.signal, limit.signal]);
  try {
    return await fetchWhole({ ...options, signal });
  } catch (error) {
    options.signal.throwIfAborted();
    if (limit.signal.aborted) {
      throw downloadFailure(options.url, `it took longer than ${options.timeoutMs / 1_000} s`, true);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Tries until the file is whole. What fails before any body has come fails at once: the task has retries of its own. */
async function fetchWhole(options: DownloadOptions): Promise<Downloaded> {
  await using part = new PartialFile(options);
  for (let failures = 0, best = 0, attempts = 1;; attempts++) {
    const broken = await attempt(part, options);
    if (!broken) return part.finish();
    options.signal.throwIfAborted();
    failures = part.bytes > best ? 1 : failures + 1;
    best = Math.max(best, part.bytes);
    const restarts = part.starts - (part.received ? 1 : 0);
    if (part.starts === 0 || failures > MAX_FAILURES || restarts > MAX_RESTARTS) {
      const tries = attempts > 1 ? `, at the last of ${attempts} attempts` : "";
      throw downloadFailure(options.url, broken.reason + tries, true, broken.cause);
    }
    const waitMs = broken.waitMs ?? backoffDelay(failures, BACKOFF);
    await (options.clock ?? systemClock).sleep(waitMs, options.signal);
  }
}

/** Fetches all that is missing, or tells what broke. @throws TaskError for what this call should not try again */
async function attempt(part: PartialFile, options: DownloadOptions): Promise<Break | undefined> {
  const idle = idleLimit(options.idleMs ?? IDLE_MS);
  const signal = AbortSignal.any([options.signal, idle.signal]);
  const received = part.received;
  try {
    const headers = received && rangeHeaders(received);
    const { answer, url } = await openUrl({ ...options, signal, headers });
    try {
      idle.alive();
      const goesOn = received !== undefined && continues(answer, received);
      if (!goesOn) {
        const broken = judge(answer, url, received !== undefined);
        if (broken) {
          if (answer.status === 206 || answer.status === 416) part.abandon();
          return broken;
        }
        await part.begin(answer);
      }
      for await (const chunk of answer.body) {
        idle.alive();
        await part.write(chunk);
        options.onProgress?.(part.bytes, part.total);
      }
      signal.throwIfAborted();
      if (part.total !== undefined && part.bytes < part.total) throw new Error("the connection ended early");
    } finally {
      answer.close();
    }
  } catch (error) {
    if (error instanceof TaskError) throw error;
    const cause = idle.signal.aborted ? idle.signal.reason : error;
    return { reason: cause instanceof Error ? cause.message : String(cause), cause };
  } finally {
    idle.stop();
  }
}

/** Nothing for the whole file; what broke for an answer that may be another next time. @throws TaskError for the rest */
function judge({ status, headers }: HttpAnswer, url: URL, asksForRest: boolean): Break | undefined {
  if (status === 200) return undefined;
  if (asksForRest && (status === 206 || status === 416)) return { reason: "the file changed meanwhile" };
  const reason = `the server answered ${status}`;
  if (status < 500 && !PASSING_4XX.includes(status)) throw downloadFailure(url.href, reason, false);
  return { reason, waitMs: retryAfterMs(headers.get("retry-after"), Date.now()) };
}
