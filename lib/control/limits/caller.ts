/** Who asks. */
import type { Context } from "hono";
import type { GuardedEnv } from "../guard.ts";

/** A name for the caller, the same at each request; set by the guard where callers have names. */
export function callerOf(c: Context<GuardedEnv>): string {
  return (c.var as { readonly caller?: string }).caller ?? c.get("credential");
}
