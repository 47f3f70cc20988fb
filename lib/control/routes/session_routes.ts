/** How the page gets in: a program that has the token asks for a code, the page trades it for a cookie. */
import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import type { HostRules } from "../access/hosts.ts";
import { ApiError } from "../api_error.ts";
import { asObject, readJson } from "../body.ts";
import { type GuardedEnv, isFromOwnPage, provenanceOf, SESSION_COOKIE } from "../guard.ts";
import { CODE_SECONDS, SESSION_SECONDS, type Sessions } from "../sessions.ts";

/** `POST /session {code}`: needs no token, and comes from the page itself. */
export function signInRoute({ codes, sessions }: Sessions, rules?: HostRules): Hono {
  return new Hono().post("/session", async (c) => {
    const provenance = provenanceOf(c, rules);
    if (provenance.origin === undefined || !isFromOwnPage(provenance)) {
      throw new ApiError(403, "foreign_origin", "Only the dashboard's own page may trade a code");
    }
    if (!/^application\/json(\s*;|$)/i.test(c.req.header("content-type") ?? "")) {
      throw new ApiError(415, "not_json", "The content type must be application/json");
    }
    const { code } = asObject(await readJson(c.req.raw));
    if (typeof code !== "string" || !codes.take(code)) {
      throw new ApiError(
        401,
        "bad_code",
        "The code is used or older than a minute; run `actp-worker dashboard` again",
      );
    }
    setCookie(c, SESSION_COOKIE, sessions.issue(), {
      httpOnly: true,
      secure: provenance.scheme === "https",
      sameSite: "Strict",
      path: "/",
      maxAge: SESSION_SECONDS,
    });
    return c.json({ expires_in_seconds: SESSION_SECONDS });
  });
}

/** `POST /session/code`: for the bearer of the token only, so that a session cannot prolong itself. */
export function codeRoute({ codes }: Sessions): Hono<GuardedEnv> {
  return new Hono<GuardedEnv>().post("/session/code", (c) => {
    if (c.get("credential") !== "token") {
      throw new ApiError(403, "token_needed", "Only the token opens new sessions");
    }
    return c.json({ code: codes.issue(), expires_in_seconds: CODE_SECONDS });
  });
}
