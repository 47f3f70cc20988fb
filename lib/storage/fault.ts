/** What can go wrong between here and Supabase Storage, in words that help. No I/O. */
import { retryAfterMs } from "../net/retry_after.ts";

/**
 * A request failed. `retry` means that asking again later may work, `waitMs` that the server asked to wait so long;
 * `status` is the real one, where there was an answer.
 */
export class StorageFault extends Error {
  override readonly name = "StorageFault";
  readonly retry: boolean;
  readonly waitMs?: number;
  readonly status?: number;
  constructor(
    message: string,
    options: { retry: boolean; waitMs?: number; status?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.retry = options.retry;
    this.waitMs = options.waitMs;
    this.status = options.status;
  }
}

/** A server's answer that is no success. */
export interface Refusal {
  readonly status: number;
  /** The body, or its beginning. */
  readonly text: string;
  readonly retryAfter: string | null;
}

/** What the request was about. */
export interface Subject {
  readonly bucket: string;
  readonly contentType: string;
}

const IN_DASHBOARD = "in the Supabase dashboard under Storage";
/** Client errors that pass: time-out, conflict of two uploads, lock, too early, too many requests. */
const PASSING_4XX = [408, 409, 423, 425, 429];
const MAX_SAID = 200;

/**
 * Tells a refusal from an outage, and what to check. Storage answers most errors with HTTP 400 and puts the real status
 * into the body: https://supabase.com/docs/guides/storage/debugging/error-codes
 * @param now ms since the epoch
 */
export function explainRefusal(
  refusal: Refusal,
  { bucket, contentType }: Subject,
  now: number,
): StorageFault {
  const { status, said, code, explained } = read(refusal);
  const answered = `Supabase Storage answered ${status}${said && `: ${said}`}`;
  const final = (message: string) => new StorageFault(message, { retry: false, status });
  if (status === 401 || status === 403 || code === "InvalidJWT" || /\b(jwt|jws)\b/i.test(said)) {
    return final(`${answered} (check SUPABASE_SECRET_KEY)`);
  }
  if (status === 404 && /bucket not found|related resource does not exist/i.test(said)) {
    return final(`Supabase Storage has no bucket ${JSON.stringify(bucket)} (create it ${IN_DASHBOARD})`);
  }
  if (status === 413) {
    return final(`${answered}; the file is larger than allowed (raise the limit ${IN_DASHBOARD})`);
  }
  if (status === 415 || status === 422) {
    return final(
      `${answered}; the bucket ${
        JSON.stringify(bucket)
      } does not take ${contentType} (allow it ${IN_DASHBOARD})`,
    );
  }
  const wrongPlace = status < 400 || (status === 404 && !explained);
  if (wrongPlace) {
    return new StorageFault(`${answered} (is SUPABASE_URL right?)`, { retry: status === 404, status });
  }
  return new StorageFault(answered, {
    retry: status >= 500 || PASSING_4XX.includes(status),
    waitMs: retryAfterMs(refusal.retryAfter, now),
    status,
  });
}

/** Explains what `fetch` throws, without the address that it puts into its message. */
export function explainNetworkError(error: unknown): StorageFault {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const deepest = cause instanceof Error ? cause.message : message;
  const said = deepest.replace(/^.*client error \(\w+\): /s, "").replace(
    / for (url )?\(?https?:[^\s)]*\)?/g,
    "",
  );
  return new StorageFault(`Supabase Storage cannot be reached: ${oneLine(said)}`, {
    retry: true,
    cause: error,
  });
}

/** The real status and the server's own words. `explained`: it was Storage that spoke, not something before it. */
function read({ status, text }: Refusal) {
  const json = parse(text);
  if (!json) {
    // Resumable uploads are refused in plain text; a page comes from something else.
    const isPage = /^\s*</.test(text);
    return { status, said: isPage ? "" : oneLine(text), code: "", explained: !isPage && text.trim() !== "" };
  }
  const inner = Number(json.statusCode);
  return {
    status: status === 400 && inner >= 400 && inner < 600 ? inner : status,
    said: oneLine(String(json.message ?? json.error ?? "")),
    code: String(json.code ?? ""),
    explained: json.statusCode !== undefined || json.code !== undefined,
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined; // plain text or a page
  }
}

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > MAX_SAID ? `${line.slice(0, MAX_SAID)}…` : line;
}
