/** The dashboard's files, and the headers that keep every answer out of other pages' hands. */
import { Hono, type MiddlewareHandler } from "hono";
import script from "./page/app.js" with { type: "text" };
import html from "./page/index.html" with { type: "text" };
import style from "./page/style.css" with { type: "text" };

const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Sets the same strict headers on every answer, errors included. */
export function safeHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    c.header("Content-Security-Policy", CONTENT_POLICY);
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cross-Origin-Resource-Policy", "same-origin");
    c.header("Cache-Control", "no-store");
  };
}

/** `/`, `/app.js` and `/style.css`: no secret in them, so anybody on this machine may read them. */
export function pageRoutes(): Hono {
  const file = (body: string, type: string) => () =>
    new Response(body, { headers: { "Content-Type": `${type}; charset=utf-8` } });
  return new Hono()
    .get("/", file(html, "text/html"))
    .get("/app.js", file(script, "text/javascript"))
    .get("/style.css", file(style, "text/css"));
}
