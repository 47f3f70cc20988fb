/** One POST to a URL that may not lead into the private network: what is checked is what is connected to. */
import { isIP } from "node:net";
import { isPrivateAddress } from "./address.ts";
import { httpPost } from "./http_get.ts";
import { addressesOf } from "./open_url.ts";

/** What to post, where to, and who may be reached for it. */
export interface PostOptions {
  /** http or https. */
  readonly url: URL;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Allows addresses that are not on the public internet. */
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
  /** Finds a name's IP addresses; the machine's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<string[]>;
  /** Certificates (PEM) to trust besides the machine's. */
  readonly caCerts?: string[];
}

/** The answer without its body, of which nobody needs to know. */
export interface PostAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The URL's host is at a private address, and that is not allowed. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
}

/**
 * Redirects are not followed, and proxies not used.
 * @throws {@link PrivateAddressError}; an Error for a failed connection and a garbled answer; the signal's reason
 */
export async function postUrl(options: PostOptions): Promise<PostAnswer> {
  const { url, body, headers, signal, caCerts } = options;
  const found = await addressesOf(url, options);
  const allowed = found.filter((address) => options.allowPrivate || !isPrivateAddress(address));
  if (allowed.length === 0) throw new PrivateAddressError(`${url.host} is at a private address`);
  let lastError: unknown;
  for (const address of allowed.sort((a, b) => isIP(a) - isIP(b))) {
    try {
      const { status, headers: answered, close } = await httpPost(
        { url, address, signal, headers, caCerts },
        body,
      );
      close();
      return { status, headers: answered };
    } catch (error) {
      signal.throwIfAborted();
      lastError = error;
    }
  }
  throw lastError;
}
