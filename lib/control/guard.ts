/**
 * Who may speak to the control API. In this order: the name it was called by, the page it was called from, the
 * secret. The first two keep out web pages that a person's own browser would carry here.
 */
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { ApiError } from "./api_error.ts";
import type { AccessTokens } from "./access/tokens.ts";
import { type HostRules, isAllowedHost, type ListenerEnv, schemeOf } from "./access/hosts.ts";
import type { Scope } from "./access/scopes.ts";
import type { ExpiringSecrets } from "./sessions.ts";
import { equalSecret } from "./token.ts";

/** What the guard tells the routes behind it. */
export interface GuardedEnv {
  Bindings: ListenerEnv;
  Variables: {
    credential: "token" | "session";
    scope: Scope;
    /** Who it is for the audit log: `home token`, `token:<name>` or `dashboard`. */
    caller: string;
    /** Whether what let it in does so still: a token may be revoked while an answer goes on. */
    stillHolds: () => boolean;
    /** The audit log has it. */
    audited: boolean;
  };
}

/** The cookie that carries a session. */
export const SESSION_COOKIE = "actp_session";

/** The headers by which a browser tells where a request comes from. */
export interface Provenance {
  readonly host?: string;
  readonly origin?: string;
  readonly fetchSite?: string;
  /** Under which a browser knows this server; http unless told. */
  readonly scheme?: "http" | "https";
}

/** Whether a browser says that another site's page sent it. Programs say nothing. */
export function isForeign(provenance: Provenance): boolean {
  const { origin, fetchSite } = provenance;
  if (origin !== undefined && !isSameOrigin(origin, provenance)) return true;
  return fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none";
}

/** Whether a browser says that the server's own page sent it. */
export function isFromOwnPage(provenance: Provenance): boolean {
  if (isForeign(provenance)) return false;
  return provenance.origin !== undefined || provenance.fetchSite === "same-origin";
}

function isSameOrigin(origin: string, { host, scheme = "http" }: Provenance): boolean {
  return origin.toLowerCase() === `${scheme}://${host?.toLowerCase()}`;
}

/** Reads what {@link isForeign} judges. */
export function provenanceOf(c: Context, rules?: HostRules): Provenance {
  const host = hostOf(c);
  return {
    host,
    origin: c.req.header("origin"),
    fetchSite: c.req.header("sec-fetch-site"),
    scheme: rules ? schemeOf(host, transportOf(c), rules) : "http",
  };
}

/** Refuses every Host but this machine's own names with the server's port, and those that the owner allowed. */
export function ownHostOnly(rules: HostRules): MiddlewareHandler {
  return async (c, next) => {
    if (!isAllowedHost(hostOf(c), transportOf(c), rules)) {
      throw new ApiError(
        403,
        "foreign_host",
        `Call this server as localhost:${rules.port()} or 127.0.0.1:${rules.port()}`,
      );
    }
    await next();
  };
}

/** In HTTP/2, which only TLS brings, the name is not a header. */
function hostOf(c: Context): string | undefined {
  return c.req.header("host") ?? (transportOf(c) === "tls" ? URL.parse(c.req.url)?.host : undefined);
}

function transportOf(c: Context) {
  return (c.env as ListenerEnv | undefined)?.transport ?? "loopback";
}

/** Refuses what another site's page sends. */
export function noForeignPages(rules?: HostRules): MiddlewareHandler {
  return async (c, next) => {
    if (isForeign(provenanceOf(c, rules))) {
      throw new ApiError(403, "foreign_origin", "Requests from other sites' pages are refused");
    }
    await next();
  };
}

/** Who may come in. */
export interface Credentials {
  /** The secret of the token file. */
  readonly homeToken: string;
  readonly sessions: ExpiringSecrets;
  /** The tokens beside it. */
  readonly tokens?: Pick<AccessTokens, "find" | "stillHolds">;
  readonly rules?: HostRules;
}

type Caller = Pick<GuardedEnv["Variables"], "credential" | "scope" | "caller" | "stillHolds">;

/**
 * Lets in the bearer of a token (`Authorization: Bearer` or, as supabase-js sends it, `apikey`) and the page's
 * session; the session changes things only from the page itself.
 */
export function authenticated(credentials: Credentials): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    const caller = bearerOf(c, credentials) ?? sessionOf(c, credentials);
    if (!caller) {
      c.header("WWW-Authenticate", "Bearer");
      throw new ApiError(
        401,
        "unauthorized",
        "Send the token from the worker's token file as Authorization: Bearer",
      );
    }
    c.set("credential", caller.credential);
    c.set("scope", caller.scope);
    c.set("caller", caller.caller);
    c.set("stillHolds", caller.stillHolds);
    await next();
  };
}

/** The home folder's token, or one of those beside it. */
function bearerOf(c: Context, { homeToken, tokens }: Credentials): Caller | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  for (const given of [bearer, c.req.header("apikey")]) {
    if (given === undefined) continue;
    if (equalSecret(given, homeToken)) {
      return { credential: "token", scope: "admin", caller: "home token", stillHolds: () => true };
    }
    const token = tokens?.find(given);
    if (token) {
      const { id, name, scope } = token;
      return {
        credential: "token",
        scope,
        caller: `token:${name}`,
        stillHolds: () => tokens!.stillHolds(id),
      };
    }
  }
  return undefined;
}

/** @throws {@link ApiError} 403 for a change that does not come from the page */
function sessionOf(c: Context, { sessions, rules }: Credentials): Caller | undefined {
  const session = getCookie(c, SESSION_COOKIE);
  if (session === undefined || !sessions.holds(session)) return undefined;
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  if (!reads && !isFromOwnPage(provenanceOf(c, rules))) {
    throw new ApiError(
      403,
      "foreign_origin",
      "A session may change things only from the dashboard's own page",
    );
  }
  const stillHolds = () => sessions.holds(session);
  return { credential: "session", scope: "operate", caller: "dashboard", stillHolds };
}
