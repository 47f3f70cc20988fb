/** What probes ask, without a secret: does it live, and does it take work? */
import { Hono } from "hono";
import type { WorkerStatus } from "../status.ts";

/** What the servers need of the worker. */
export interface ControlledWorker {
  status(): Promise<WorkerStatus>;
  /** Looks for work now. */
  wake(): void;
}

/** Whether the worker takes work; if not, why. */
export function readiness(
  { ready, status, reasons }: WorkerStatus,
): { ready: boolean; reasons: readonly string[] } {
  if (ready) return { ready, reasons: [] };
  if (status === "draining") return { ready, reasons: ["draining: the worker stops", ...reasons] };
  return { ready, reasons: reasons.length > 0 ? reasons : ["starting"] };
}

/** `GET /health`: 200 as long as it lives, with what it knows. `GET /ready`: 200 or 503. */
export function healthRoutes(worker: ControlledWorker): Hono {
  return new Hono()
    .get("/health", async (c) => c.json(await worker.status()))
    .get("/ready", async (c) => {
      const answer = readiness(await worker.status());
      return c.json(answer, answer.ready ? 200 : 503);
    });
}
