/** A copy of the embedded database's data, so that `db dump` can dump it while the worker runs. */
import { Hono } from "hono";
import { ApiError } from "./api_error.ts";

/**
 * `POST /database/snapshot`, for whoever has the scope admin: who asks reads the folder and removes it. Answers with its
 * path, which only this machine's owner can open.
 */
export function snapshotRoute(snapshot: () => Promise<string>): Hono {
  return new Hono().post("/database/snapshot", async (c) => {
    try {
      return c.json({ folder: await snapshot() });
    } catch (error) {
      throw new ApiError(507, "no_snapshot", `The database cannot be copied: ${(error as Error).message}`);
    }
  });
}
