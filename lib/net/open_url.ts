/** From a URL that a task names to an answer from the public internet: names, addresses, redirects. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { TaskError } from "../task/task.ts";
import { isPrivateAddress } from "./address.ts";
import { type HttpAnswer, httpGet } from "./http_get.ts";

/** Which URL, and who may be reached for it. */
export interface OpenOptions {
  readonly url: string;
  /** Allows addresses that are not on the public internet. */
  readonly allowPrivate: boolean;
  /** Aborting closes the connection, also while the body is being read. */
  readonly signal: AbortSignal;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Finds a name's IP addresses; the machine's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<string[]>;
  /** Certificates (PEM) to trust besides the machine's. */
  readonly caCerts?: string[];
}

/** An answer that is no redirect, and the URL that gave it. Close it in every case. */
export interface OpenedUrl {
  readonly answer: HttpAnswer;
  readonly url: URL;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Follows redirects. Every address is checked before it is connected to; proxies are not used.
 * @throws {@link TaskError} without retry for a bad URL, a private address and too many redirects; an Error for a
 * failed connection and a garbled answer; the signal's reason when aborted
 */
export async function openUrl(options: OpenOptions): Promise<OpenedUrl> {
  let url = parseUrl(options.url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await connect(url, options);
    if (!REDIRECTS.includes(answer.status)) return { answer, url };
    answer.close();
    const location = answer.headers.get("location");
    if (location === undefined) {
      throw downloadFailure(url.href, `status ${answer.status} without a location`, false);
    }
    url = parseUrl(location, url);
  }
  throw downloadFailure(options.url, `more than ${MAX_REDIRECTS} redirects`, false);
}

/** Query and fragment may hold signatures and keys, so messages name the URL without them. */
export function downloadFailure(url: string, why: string, retry: boolean, cause?: unknown): TaskError {
  const parsed = URL.parse(url);
  const shown = parsed
    ? `${parsed.protocol}//${parsed.host}${parsed.pathname}`
    : JSON.stringify(url.slice(0, 200));
  return new TaskError(`cannot download ${shown}: ${why}`, { retry, cause });
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null) throw downloadFailure(text, "it is not a URL", false);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw downloadFailure(text, "only http and https are fetched", false);
  }
  if (url.username || url.password) {
    throw downloadFailure(url.href, "it must not hold a user name or password", false);
  }
  return url;
}

/** Tries the host's allowed addresses one after another, IPv4 first, until one connects. */
async function connect(url: URL, options: OpenOptions): Promise<HttpAnswer> {
  const found = await addressesOf(url, options);
  const allowed = found.filter((address) => options.allowPrivate || !isPrivateAddress(address));
  if (allowed.length === 0) {
    throw downloadFailure(
      url.href,
      "its host is at a private address; set TASK_ALLOW_PRIVATE_URLS=true to allow that",
      false,
    );
  }
  const { signal, headers, caCerts } = options;
  let lastError: unknown;
  for (const address of allowed.sort((a, b) => isIP(a) - isIP(b))) {
    try {
      return await httpGet({ url, address, signal, headers, caCerts });
    } catch (error) {
      signal.throwIfAborted();
      lastError = error;
    }
  }
  throw lastError;
}

/** The IP addresses of a URL's host, private ones too. @throws where the name has none; the signal's reason */
export async function addressesOf(
  url: URL,
  { resolve = lookUp, signal }: Pick<OpenOptions, "resolve" | "signal">,
): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host)) return [host];
  signal.throwIfAborted();
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
