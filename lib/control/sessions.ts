/** What lets the page in without the token: a one-time code, traded for a session. In memory only. */
import type { Clock } from "../clock.ts";
import { digest, randomSecret } from "./token.ts";

/** How long a one-time code may be traded, in seconds. */
export const CODE_SECONDS = 60;
/** How long a session lasts, in seconds. */
export const SESSION_SECONDS = 12 * 3600;
const MOST_AT_ONCE = 100;

/** Random secrets that expire; the oldest gives way when there are too many. Keeps digests, not the secrets. */
export class ExpiringSecrets {
  readonly #expiries = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly lifetimeMs: number,
    private readonly limit: number = MOST_AT_ONCE,
  ) {}

  /** Makes a new one. */
  issue(): string {
    const now = this.clock.now();
    for (const [key, expiry] of this.#expiries) {
      if (expiry <= now || this.#expiries.size >= this.limit) this.#expiries.delete(key);
    }
    const secret = randomSecret();
    this.#expiries.set(digest(secret), now + this.lifetimeMs);
    return secret;
  }

  /** Whether it was issued here and still holds. */
  holds(secret: string): boolean {
    return (this.#expiries.get(digest(secret)) ?? -Infinity) > this.clock.now();
  }

  /** As {@link holds}, and never again. */
  take(secret: string): boolean {
    const held = this.holds(secret);
    this.#expiries.delete(digest(secret));
    return held;
  }
}

/** The codes and sessions of one server. */
export interface Sessions {
  readonly codes: ExpiringSecrets;
  readonly sessions: ExpiringSecrets;
}

/** Nobody is signed in. */
export function newSessions(clock: Clock): Sessions {
  return {
    codes: new ExpiringSecrets(clock, CODE_SECONDS * 1000),
    sessions: new ExpiringSecrets(clock, SESSION_SECONDS * 1000),
  };
}
