/** Going on with a download where it broke off: range requests as in RFC 9110, sections 13.1.5 and 14. Pure. */

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What one wants to go on with. */
export interface Received {
  readonly bytes: number;
  /** The whole file's size, if the server told it. */
  readonly total?: number;
  /** From {@link validatorOf}. */
  readonly validator: string;
}

/** A Last-Modified time is only as sharp as a second: the file must have rested since. */
const REST_MS = 1_000;

/**
 * What surely identifies the file's present content, for If-Range: a strong ETag, else a Last-Modified time that lies
 * back. Undefined where the server gives neither, or takes no ranges: then a broken download starts again.
 */
export function validatorOf(headers: ReadonlyMap<string, string>): string | undefined {
  if (headers.get("accept-ranges")?.toLowerCase() === "none") return undefined;
  const etag = headers.get("etag");
  if (etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(etag)) return etag;
  const modified = headers.get("last-modified") ?? "";
  if (!/^[\x20-\x7e]+$/.test(modified)) return undefined;
  const rested = Date.parse(headers.get("date") ?? "") - Date.parse(modified);
  return rested >= REST_MS ? modified : undefined;
}

/** The request headers that ask for the rest, if the file is still the same. */
export function rangeHeaders({ bytes, validator }: Received): Record<string, string> {
  return { "Range": `bytes=${bytes}-`, "If-Range": validator };
}

/** Whether the answer to {@link rangeHeaders} goes on exactly where `received` ends, in the same file. */
export function continues({ status, headers }: AnswerHead, received: Received): boolean {
  if (status !== 206) return false;
  const etag = headers.get("etag");
  if (etag !== undefined && received.validator.startsWith('"') && etag !== received.validator) return false;
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(headers.get("content-range") ?? "");
  if (!range || Number(range[1]) !== received.bytes) return false;
  const [last, size] = [Number(range[2]), Number(range[3])];
  if (Number.isNaN(size)) return received.total === undefined || last + 1 === received.total;
  return last + 1 === size && (received.total === undefined || received.total === size);
}

/** The size of the whole file by the answer's Content-Length or Content-Range, if it tells. */
export function totalOf({ status, headers }: AnswerHead): number | undefined {
  const text = status === 206
    ? /\/(\d{1,15})$/.exec(headers.get("content-range") ?? "")?.[1]
    : headers.get("content-length");
  return text === undefined || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
}
