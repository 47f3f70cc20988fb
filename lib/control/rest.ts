/** PostgREST's rpc for the embedded database, so that other local processes reach it by the Supabase driver. */
import { Hono } from "hono";
import type { Database } from "../database/database.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";

const MAX_RPC_BYTES = 8 * 1_048_576;

/** `POST /rest/v1/rpc/:fn` with named arguments as a JSON object; only the worker's own functions. */
export function restRoutes(database: Database): Hono {
  return new Hono().post("/rest/v1/rpc/:fn", async (c) => {
    const fn = c.req.param("fn");
    if (!/^actp_[a-z_]+$/.test(fn)) throw notFound("only the worker's own functions can be called");
    const args = asObject(await readJson(c.req.raw, MAX_RPC_BYTES));
    const odd = Object.keys(args).find((name) => !/^p_[a-z_]+$/.test(name));
    if (odd !== undefined) throw notFound(`${fn} has no argument ${JSON.stringify(odd.slice(0, 60))}`);
    return c.json(await database.call<unknown>(fn, args));
  });
}

function notFound(message: string): ApiError {
  return new ApiError(404, "PGRST202", message);
}
