/** Reads what a server asks for with Retry-After (RFC 9110, section 10.2.3). Pure. */

/**
 * How long to wait, in ms; undefined when the header is missing or makes no sense.
 * @param now ms since the epoch, for headers that name a time
 */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const time = /^[A-Za-z]{3},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
