/** What a daemon is made of, put together from the configuration. Nothing is started yet. */
import { systemClock } from "../clock.ts";
import { type LoadedConfig, secretsOf } from "../config.ts";
import { enabledAgents } from "../config/agents.ts";
import { currentAlerts } from "../control/current_alerts.ts";
import { createEventHub, type EventHub } from "../control/events/hub.ts";
import type { ControlledWorker } from "../control/health.ts";
import { AgentCosts } from "../control/routes/agent_costs.ts";
import { statusWithAgents } from "../control/status_with_agents.ts";
import { type CrashRecord, crashSummary } from "../daemon/crash_record.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { deliveryReasons, schedulerReasons, stallReasons, withReasons } from "../health/overall.ts";
import { logger } from "../log.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { together } from "../queue/observer.ts";
import { createSchedule, type ScheduleParts } from "../schedule/compose.ts";
import { createAgents } from "../supervisor/agents_service.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { openTraces } from "../telemetry/traces.ts";
import { createWorker, type Worker } from "../worker.ts";
import type { CliContext } from "./context.ts";

/** A claim takes 15 s at the most; a turn that is later than this does not come. */
export const TURN_PATIENCE_MS = 60_000;

/** How the parts that main.ts passes in are loaded. */
export type Loaders = Pick<CliContext, "executors" | "agents" | "actions">;

/** What the parts are made from besides the configuration. */
export interface PartsOptions {
  readonly loaders: Loaders;
  /** The embedded database, open and up to date, where it serves. */
  readonly own: EmbeddedDatabase | undefined;
  /** The secret of the token file. */
  readonly token: string;
  /** How the daemon before this one ended, if it crashed. */
  readonly crash: CrashRecord | undefined;
}

/** See {@link createParts}. */
export interface DaemonParts {
  readonly worker: Worker;
  readonly agents: Supervisor;
  readonly schedule: ScheduleParts;
  readonly events: EventHub;
  readonly metrics: Awaited<ReturnType<typeof createMetrics>>;
  readonly costs: AgentCosts;
  readonly alerts: ReturnType<typeof currentAlerts>;
  /** The worker as the servers see it: its status is that of all parts. */
  readonly controlled: ControlledWorker;
  /** Ends what holds files or spans open; the database is closed by whoever ends the daemon. */
  close(): void;
}

/** Makes all parts, and makes them known to each other. @throws what a part cannot be made without */
export async function createParts(loaded: LoadedConfig, options: PartsOptions): Promise<DaemonParts> {
  const { config } = loaded;
  const { loaders, own, token, crash } = options;
  const secrets = [...secretsOf(config), token];
  const clock = systemClock;
  const metrics = await createMetrics(clock);
  const traces = await openTraces(Deno.env.toObject(), secrets, clock);
  // Made further down, of what tells it from here on.
  let events: EventHub | undefined = undefined;
  const worker = await createWorker({
    config,
    executors: whole("executor", await loaders.executors(config)).executors,
    database: own,
    observer: together([
      ...traces ? [traces.tasks.observer] : [],
      metrics.queue,
      {
        claimed: (...told) => events?.queue.claimed?.(...told),
        progressed: (...told) => events?.queue.progressed?.(...told),
        settled: (...told) => events?.queue.settled?.(...told),
      },
    ]),
    observeCall: metrics.call,
  });
  const { database } = worker;
  const agents = await createAgents(loaded, {
    database,
    clock,
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    secrets: [token],
    observer: metrics.agents,
    onSeen: (status) => events?.agent(status),
    onRun: (agentId, runId, event) => events?.agentRun(agentId, runId, event),
  });
  const ownActions = await loaders.actions?.(config);
  const schedule = createSchedule({
    config,
    database,
    clock,
    types: () => worker.capabilities.types(),
    agents: await agentRoutines(loaded, loaders),
    actions: ownActions ? whole("action", ownActions).actions : [],
    secrets: [token],
    observer: { ...metrics.routines, ...traces?.routines },
    observeDelivery: metrics.deliveries,
  });
  const controlled: ControlledWorker = {
    wake: () => worker.wake(),
    status: async () => {
      const scheduler = schedule.scheduler?.status() ?? null;
      return {
        ...withReasons(statusWithAgents(await worker.status(), agents), [
          ...stallReasons(worker.turnDueAt(), clock.monotonic(), TURN_PATIENCE_MS),
          ...schedulerReasons(scheduler),
          ...deliveryReasons(schedule.outbox.failures()),
        ]),
        last_crash: crash ? crashSummary(crash) : null,
        scheduler,
      };
    },
  };
  const costs = new AgentCosts(database, clock, {
    dayUsd: config.agentDailyBudgetUsd,
    monthUsd: config.agentMonthlyBudgetUsd,
  });
  const alerts = currentAlerts({ database, worker: controlled, clock, agents, costs });
  events = createEventHub({
    clock,
    database,
    status: () => controlled.status(),
    agents: () => agents.status(),
    queues: async () => (await controlled.status()).queues ?? [],
    alerts,
    secrets,
  });
  return {
    worker,
    agents,
    schedule,
    events,
    metrics,
    costs,
    alerts,
    controlled,
    close() {
      schedule.close();
      traces?.tasks.close();
    },
  };
}

/** Twenty megabytes that a worker without agents has no use for. */
async function agentRoutines({ config }: LoadedConfig, { agents }: Loaders) {
  if (enabledAgents(config).length === 0 && config.routines.length === 0) return [];
  return (await agents?.() ?? []).map(({ id, routines = [] }) => ({ id, routines }));
}

/** Tells of those that could not be loaded, and goes on with the others. */
function whole<
  T extends { readonly problems: readonly { readonly file: string; readonly reason: string }[] },
>(
  what: string,
  loaded: T,
): T {
  for (const { file, reason } of loaded.problems) {
    logger("daemon").warn(`an ${what} of your own is left out: ${file}: ${reason}`);
  }
  return loaded;
}
