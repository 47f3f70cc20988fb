/** One call of a service's cron route. */
import { readBounded } from "../queue/http/read_bounded.ts";
import type { CallCron } from "./loops.ts";

const TIMEOUT_MS = 120_000;
const MAX_BODY_BYTES = 1_000_000;

/** POSTs with `Authorization: Bearer <secret>`; any 2xx is success. */
export function cronCaller(secret: string): CallCron {
  return async ({ name, url }, signal) => {
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: "{}",
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
    } catch (error) {
      const { message } = (error as Error).cause instanceof Error
        ? (error as Error).cause as Error
        : error as Error;
      throw new Error(`Cannot call ${name}: ${message}`, { cause: error });
    }
    if (response.ok) return void await readBounded(response, MAX_BODY_BYTES);
    await response.body?.cancel();
    const fix = response.status === 401 || response.status === 403 ? " (check CRON_SECRET)" : "";
    throw new Error(`Cannot call ${name}: it answered ${response.status}${fix}`);
  };
}
