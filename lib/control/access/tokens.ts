/** Tokens beside the home folder's own: each with a name, a scope and perhaps an end. Only their digests are kept. */
import { timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { logger } from "../../log.ts";
import { digest, randomSecret } from "../token.ts";
import type { Scope } from "./scopes.ts";

/** What is known of a token; never the token itself. Times are ISO 8601. */
export interface AccessToken {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly created_at: string;
  readonly last_used_at: string | null;
  /** Null: it holds until it is revoked. */
  readonly expires_at: string | null;
}

/** A token that is to be made. */
export interface TokenWish {
  readonly name: string;
  readonly scope: Scope;
  /** ISO 8601, in the future. */
  readonly expiresAt?: string;
}

/** A token cannot be made; tells why and what to do. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
}

/** Recognised by redaction, wherever one is written by mistake. */
export const TOKEN_PREFIX = "actp_";
/** What a token may be called. */
export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,59}$/;
/** Every request is compared with all of them. */
export const MOST_TOKENS = 100;
const MAX_SECRET = 200;
/** How exact the last use is told, in ms: it is not worth a write for every request. */
const USE_MS = 60_000;

interface KnownToken {
  readonly token: AccessToken;
  readonly digest: Buffer;
  /** As it is in the file, ms since the epoch. */
  usedAt: number;
}

const COLUMNS = "id, name, scope, created_at, last_used_at, expires_at";

/** The tokens of one home folder. What other processes change in the file counts from the next request on. */
export class AccessTokens {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #version;
  #known: readonly KnownToken[] = [];
  #readAt: unknown;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#version = database.prepare("pragma data_version");
  }

  /** Makes one. `secret` is told once, here. @throws {@link TokenRefusedError} */
  create({ name, scope, expiresAt }: TokenWish): AccessToken & { readonly secret: string } {
    if (!TOKEN_NAME.test(name)) {
      throw new TokenRefusedError(
        "A token's name is 1 to 60 letters, digits, spaces, dots, dashes, underscores or @, and begins with a letter or digit",
      );
    }
    const now = this.#clock.now();
    if (expiresAt !== undefined && !(Date.parse(expiresAt) > now)) {
      throw new TokenRefusedError("A token must expire in the future");
    }
    const secret = TOKEN_PREFIX + randomSecret();
    const token: AccessToken = {
      id: crypto.randomUUID(),
      name,
      scope,
      created_at: new Date(now).toISOString(),
      last_used_at: null,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    };
    const tokens = this.list();
    if (tokens.some((other) => other.name === name)) {
      throw new TokenRefusedError(`There is a token ${name} already; revoke it first or choose another name`);
    }
    if (tokens.length >= MOST_TOKENS) {
      throw new TokenRefusedError(`There are ${MOST_TOKENS} tokens already; revoke one first`);
    }
    this.#database.prepare(
      "insert into tokens (id, name, digest, scope, created_at, expires_at) values (?, ?, ?, ?, ?, ?)",
    ).run(token.id, name, digest(secret), scope, token.created_at, token.expires_at);
    this.#readAt = undefined;
    return { ...token, secret };
  }

  /** All of them, oldest first, those that have expired included. */
  list(): AccessToken[] {
    const rows = this.#database.prepare(`select ${COLUMNS} from tokens order by created_at, name`).all();
    return rows.map((row) => ({ ...row })) as unknown as AccessToken[];
  }

  /** Ends a token at once; undefined where there is none of this id or name. */
  revoke(idOrName: string): AccessToken | undefined {
    const row = this.#database.prepare(`delete from tokens where id = ? or name = ? returning ${COLUMNS}`)
      .get(idOrName, idOrName);
    this.#readAt = undefined;
    return row && { ...row } as unknown as AccessToken;
  }

  /**
   * The token with this secret, if it holds, and notes its use. Compares the digests of all tokens, each in constant
   * time and none left out, so that the time tells nothing of them.
   */
  find(secret: string): AccessToken | undefined {
    if (secret.length > MAX_SECRET) return undefined;
    const given = Buffer.from(digest(secret), "hex");
    let found: KnownToken | undefined;
    for (const known of this.#current()) if (timingSafeEqual(known.digest, given)) found = known;
    if (!found || !this.#holds(found.token)) return undefined;
    this.#noteUse(found);
    return found.token;
  }

  /** Whether the token of this id has been neither revoked nor let expire. */
  stillHolds(id: string): boolean {
    const known = this.#current().find(({ token }) => token.id === id);
    return known !== undefined && this.#holds(known.token);
  }

  #holds({ expires_at }: AccessToken): boolean {
    return expires_at === null || Date.parse(expires_at) > this.#clock.now();
  }

  #current(): readonly KnownToken[] {
    const [version] = Object.values(this.#version.get() ?? {});
    if (version !== this.#readAt) {
      const rows = this.#database.prepare(`select ${COLUMNS}, digest from tokens`).all();
      this.#known = rows.map(({ digest, ...token }) => ({
        token: token as unknown as AccessToken,
        digest: Buffer.from(String(digest), "hex"),
        usedAt: token.last_used_at === null ? -Infinity : Date.parse(String(token.last_used_at)),
      }));
      this.#readAt = version;
    }
    return this.#known;
  }

  #noteUse(known: KnownToken): void {
    const now = this.#clock.now();
    if (now - known.usedAt < USE_MS) return;
    known.usedAt = now;
    try {
      this.#database.prepare("update tokens set last_used_at = ? where id = ?")
        .run(new Date(now).toISOString(), known.token.id);
    } catch (error) {
      logger("control").warn(`The use of a token could not be noted: ${(error as Error).message}`);
    }
  }
}
