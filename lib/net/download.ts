/** Fetching a file that a task names, from the public internet only, within bounds of size and time. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { TaskError } from "../task/task.ts";
import { isPrivateAddress } from "./address.ts";
import { type HttpAnswer, httpGet } from "./http_get.ts";

/** What to fetch, where to put it, and the bounds. */
export interface DownloadOptions {
  /** http or https, without user name and password. */
  readonly url: string;
  /** A path where nothing is yet. The file is readable by its owner only. */
  readonly file: string;
  readonly maxBytes: number;
  /** For everything: names, redirects, the whole body. */
  readonly timeoutMs: number;
  /** Allows addresses that are not on the public internet. */
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
  /** Called after each piece; the total is known if the server tells it. */
  readonly onProgress?: (receivedBytes: number, totalBytes?: number) => void;
  /** Finds a name's IP addresses; the machine's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<string[]>;
  /** Certificates (PEM) to trust besides the machine's. */
  readonly caCerts?: string[];
}

/** What was fetched. */
export interface Downloaded {
  readonly bytes: number;
  /** As the server called it, lower case, without parameters; empty if it did not. */
  readonly contentType: string;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Client errors that pass: time-out, too early, too many requests. */
const PASSING_4XX = [408, 425, 429];

/**
 * Streams a URL to a file. Every address is checked before it is connected to, also after each redirect; proxies
 * are not used. On failure no file is left.
 * @throws {@link TaskError}, without retry for what will not change: bad URL, private address, 4xx, too large; the
 * signal's reason when aborted
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs);
  const signal = AbortSignal.any([options.signal, limit.signal]);
  try {
    return await fetchToFile({ ...options, signal });
  } catch (error) {
    options.signal.throwIfAborted();
    if (limit.signal.aborted) {
      throw failure(options.url, `it took longer than ${options.timeoutMs / 1_000} s`, true);
    }
    throw error instanceof TaskError ? error : failure(options.url, reasonOf(error), true, error);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchToFile(options: DownloadOptions): Promise<Downloaded> {
  let url = parseUrl(options.url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await open(url, options);
    try {
      if (!REDIRECTS.includes(answer.status)) return await save(answer, url, options);
      const location = answer.headers.get("location");
      if (location === undefined) {
        throw failure(url.href, `status ${answer.status} without a location`, false);
      }
      url = parseUrl(location, url);
    } finally {
      answer.close();
    }
  }
  throw failure(options.url, `more than ${MAX_REDIRECTS} redirects`, false);
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null) throw failure(text, "it is not a URL", false);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw failure(text, "only http and https are fetched", false);
  }
  if (url.username || url.password) {
    throw failure(url.href, "it must not hold a user name or password", false);
  }
  return url;
}

/** Tries the host's allowed addresses one after another, IPv4 first, until one connects. */
async function open(url: URL, options: DownloadOptions): Promise<HttpAnswer> {
  const found = await addressesOf(url, options);
  const allowed = found.filter((address) => options.allowPrivate || !isPrivateAddress(address));
  if (allowed.length === 0) {
    throw failure(
      url.href,
      "its host is at a private address; set TASK_ALLOW_PRIVATE_URLS=true to allow that",
      false,
    );
  }
  let lastError: unknown;
  for (const address of allowed.sort((a, b) => isIP(a) - isIP(b))) {
    try {
      return await httpGet({ url, address, signal: options.signal, caCerts: options.caCerts });
    } catch (error) {
      options.signal.throwIfAborted();
      lastError = error;
    }
  }
  throw lastError;
}

async function addressesOf(url: URL, { resolve = lookUp, signal }: DownloadOptions): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host)) return [host];
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    const addresses = await Promise.race([resolve(host), aborted.promise]);
    if (addresses.length === 0) throw new Error(`the name ${host} has no address`);
    return addresses;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function lookUp(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}

async function save(answer: HttpAnswer, url: URL, options: DownloadOptions): Promise<Downloaded> {
  const { status, headers } = answer;
  if (status !== 200) {
    throw failure(url.href, `the server answered ${status}`, status >= 500 || PASSING_4XX.includes(status));
  }
  if (!["identity", ""].includes(headers.get("content-encoding")?.toLowerCase() ?? "")) {
    throw failure(url.href, "the server sent it compressed though that was not asked for", false);
  }
  const announced = Number(headers.get("content-length") ?? NaN);
  const total = Number.isNaN(announced) ? undefined : announced;
  const tooLarge = () => failure(url.href, `it is larger than ${options.maxBytes} bytes`, false);
  if (total !== undefined && total > options.maxBytes) throw tooLarge();

  const file = await Deno.open(options.file, { write: true, createNew: true, mode: 0o600 });
  let bytes = 0;
  try {
    using _file = file;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > options.maxBytes) throw tooLarge();
      for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
      options.onProgress?.(bytes, total);
    }
    options.signal.throwIfAborted();
  } catch (error) {
    await Deno.remove(options.file);
    throw error;
  }
  return { bytes, contentType: (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase() };
}

/** Query and fragment may hold signatures and keys, so messages name the URL without them. */
function failure(url: string, why: string, retry: boolean, cause?: unknown): TaskError {
  const parsed = URL.parse(url);
  const shown = parsed
    ? `${parsed.protocol}//${parsed.host}${parsed.pathname}`
    : JSON.stringify(url.slice(0, 200));
  return new TaskError(`cannot download ${shown}: ${why}`, { retry, cause });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
