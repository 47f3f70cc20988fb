/** What needs a person now, asked of all who know. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import { type Alert, alertsOf, type Attention } from "./alerts.ts";
import type { ControlledWorker } from "./health.ts";
import type { AgentCosts } from "./routes/agent_costs.ts";

/** Who knows. */
export interface AlertOptions {
  readonly database: Database;
  readonly worker: Pick<ControlledWorker, "status">;
  readonly clock: Clock;
  readonly agents?: { status(): AgentStatus[] };
  readonly costs: AgentCosts;
}

/** Makes the function that tells the alerts, the worst first. It remembers since when each has been there. */
export function currentAlerts(options: AlertOptions): () => Promise<readonly Alert[]> {
  const { database, worker, clock, agents, costs } = options;
  /** When each alert that has no time of its own was first seen here. */
  let seen = new Map<string, string>();
  return async () => {
    const [status, attention, spending] = await Promise.all([worker.status(), read(database), costs.read()]);
    const now = new Date(clock.now()).toISOString();
    const still = new Map<string, string>();
    const since = (id: string) => {
      still.set(id, seen.get(id) ?? now);
      return still.get(id)!;
    };
    const alerts = alertsOf({
      reasons: status.overall_reasons ?? [],
      attention,
      agents: agents?.status() ?? [],
      spending,
      since,
    });
    seen = still;
    return alerts;
  };
}

/** What this worker knows by itself is told even while the database is away. */
async function read(database: Database): Promise<Attention | undefined> {
  try {
    return await database.call<Attention>("actp_attention", {}, { timeoutMs: 5_000 });
  } catch (error) {
    logger("control").warn`what needs attention could not be read: ${(error as Error).message}`;
    return undefined;
  }
}
