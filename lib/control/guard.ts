/**
 * Who may speak to the control API. In this order: the name it was called by, the page it was called from, the
 * secret. The first two keep out web pages that a person's own browser would carry here.
 */
import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { ApiError } from "./api_error.ts";
import type { ExpiringSecrets } from "./sessions.ts";
import { equalSecret } from "./token.ts";

/** What the guard tells the routes behind it. */
export interface GuardedEnv {
  Variables: { credential: "token" | "session" };
}

/** The cookie that carries a session. */
export const SESSION_COOKIE = "actp_session";

/** Whether a Host header names this machine and this port; any other name may be DNS rebinding. */
export function isOwnHost(host: string | undefined, port: number): boolean {
  const name = host?.toLowerCase();
  return ["localhost", "127.0.0.1", "[::1]"].some((own) =>
    name === `${own}:${port}` || (port === 80 && name === own)
  );
}

/** The headers by which a browser tells where a request comes from. */
export interface Provenance {
  readonly host?: string;
  readonly origin?: string;
  readonly fetchSite?: string;
}

/** Whether a browser says that another site's page sent it. Programs say nothing. */
export function isForeign({ host, origin, fetchSite }: Provenance): boolean {
  if (origin !== undefined && !isSameOrigin(origin, host)) return true;
  return fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none";
}

/** Whether a browser says that the server's own page sent it. */
export function isFromOwnPage(provenance: Provenance): boolean {
  if (isForeign(provenance)) return false;
  return provenance.origin !== undefined || provenance.fetchSite === "same-origin";
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return origin.toLowerCase() === `http://${host?.toLowerCase()}`;
}

/** Reads the headers that {@link isForeign} judges. */
export function provenanceOf(header: (name: string) => string | undefined): Provenance {
  return { host: header("host"), origin: header("origin"), fetchSite: header("sec-fetch-site") };
}

/** Refuses every Host but this machine's own names with the server's port. */
export function ownHostOnly(port: () => number): MiddlewareHandler {
  return async (c, next) => {
    if (!isOwnHost(c.req.header("host"), port())) {
      throw new ApiError(
        403,
        "foreign_host",
        `Call this server as localhost:${port()} or 127.0.0.1:${port()}`,
      );
    }
    await next();
  };
}

/** Refuses what another site's page sends. */
export function noForeignPages(): MiddlewareHandler {
  return async (c, next) => {
    if (isForeign(provenanceOf((name) => c.req.header(name)))) {
      throw new ApiError(403, "foreign_origin", "Requests from other sites' pages are refused");
    }
    await next();
  };
}

/**
 * Lets in the bearer of the token (`Authorization: Bearer` or, as supabase-js sends it, `apikey`) and the page's
 * session; the session changes things only from the page itself.
 */
export function authenticated(token: string, sessions: ExpiringSecrets): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    const bearer = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const session = getCookie(c, SESSION_COOKIE);
    if ([bearer, c.req.header("apikey")].some((given) => given !== undefined && equalSecret(given, token))) {
      c.set("credential", "token");
    } else if (session !== undefined && sessions.holds(session)) {
      const reads = c.req.method === "GET" || c.req.method === "HEAD";
      if (!reads && !isFromOwnPage(provenanceOf((name) => c.req.header(name)))) {
        throw new ApiError(
          403,
          "foreign_origin",
          "A session may change things only from the dashboard's own page",
        );
      }
      c.set("credential", "session");
    } else {
      c.header("WWW-Authenticate", "Bearer");
      throw new ApiError(
        401,
        "unauthorized",
        "Send the token from the worker's token file as Authorization: Bearer",
      );
    }
    await next();
  };
}
