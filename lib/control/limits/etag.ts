/** ETags: whoever has an answer already is told that it still holds, and not sent it again. */
import type { MiddlewareHandler } from "hono";
import { createHash } from "node:crypto";

/** For every JSON answer to a GET; a stream has none. */
export function etags(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    if (
      !reads || c.res.status !== 200 || !/^application\/json/.test(c.res.headers.get("content-type") ?? "")
    ) return;
    const body = await c.res.clone().arrayBuffer();
    const etag = `"${createHash("sha256").update(new Uint8Array(body)).digest("base64url").slice(0, 27)}"`;
    if (holds(c.req.header("if-none-match"), etag)) {
      c.res = new Response(null, { status: 304 });
    }
    c.header("ETag", etag);
  };
}

/** RFC 9110, 13.1.2: a list of tags, weak or not, or any. */
function holds(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  return given.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
}
