/** A copy of the embedded database's data, so that `db dump` can dump it while the worker runs. */
import { Hono } from "hono";
import { ApiError } from "./api_error.ts";
import type { GuardedEnv } from "./guard.ts";

/**
 * `POST /database/snapshot`: for the bearer of the token only, who reads the folder and removes it. Answers with its path,
 * which only this machine's owner can open.
 */
export function snapshotRoute(snapshot: () => Promise<string>): Hono<GuardedEnv> {
  return new Hono<GuardedEnv>().post("/database/snapshot", async (c) => {
    if (c.get("credential") !== "token") {
      throw new ApiError(403, "token_only", "Only the bearer of the token may have the database copied");
    }
    try {
      return c.json({ folder: await snapshot() });
    } catch (error) {
      throw new ApiError(507, "no_snapshot", `The database cannot be copied: ${(error as Error).message}`);
    }
  });
}
