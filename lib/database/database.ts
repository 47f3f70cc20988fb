/** The one port to the database: SQL functions, called by name. Three drivers stand behind it. */

import type { PresenceSession } from "./presence.ts";

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Gives up after this many ms; 15,000 unless told. */
  readonly timeoutMs?: number;
}

/** A database that has the worker's functions (see `migrations/`). */
export interface Database {
  /** Which driver this is and what it talks to, without secrets; for logs and status. */
  readonly description: string;
  /**
   * Calls `fn` with named arguments and returns its JSON result. A key that is left out takes the function's
   * default; null overrides it.
   * @throws {@link DatabaseError}
   */
  call<T>(fn: string, args?: Record<string, unknown>, options?: CallOptions): Promise<T>;
  /** Calls `notify` with each payload sent to the channel, until the returned function is called. Only a hint: poll besides. */
  listen?(channel: string, notify: (payload: string) => void): Promise<() => Promise<void>>;
  /** A session of its own for the locks that tell whether workers live; only where connections are direct. */
  presence?(signal: AbortSignal): Promise<PresenceSession>;
  close(): Promise<void>;
}

const MAX_MESSAGE = 500;

/**
 * Why a call failed: what to tell a person, and whether the same call may work later. The message is made one line,
 * since servers put whatever they were sent into theirs, or whole pages of HTML.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** SQLSTATE or PGRST code, where the database answered with one. */
  readonly code?: string;
  /** True for outages: nothing is known to be wrong with the call itself. */
  readonly transient: boolean;
  /** The database's own words, without what the driver adds; for handing on. */
  readonly answer?: string;
  constructor(
    message: string,
    options: { code?: string; transient: boolean; answer?: string; cause?: unknown },
  ) {
    super(message.replace(/\s+/g, " ").slice(0, MAX_MESSAGE), { cause: options.cause });
    this.code = options.code;
    this.transient = options.transient;
    this.answer = options.answer;
  }
}
