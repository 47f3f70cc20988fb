/** Runs the parts of a daemon: its servers, its signals, its PID file, and the order in which all of it ends. */
import { systemClock } from "../clock.ts";
import { type Config, type LoadedConfig, secretsOf } from "../config.ts";
import type { AccessFile } from "../control/access/access_file.ts";
import { healthServer } from "../control/health_server.ts";
import { controlServer } from "../control/server.ts";
import { autovacuum } from "../daemon/autovacuum.ts";
import { dailyBackups } from "../daemon/backups.ts";
import type { DaemonLog } from "../daemon/daemon_log.ts";
import { ownKeeper } from "../daemon/keeper_file.ts";
import { answerPulse, liveness, type Pulse, turnPulse } from "../daemon/liveness.ts";
import type { DaemonClaim, DaemonRecord } from "../daemon/pid_file.ts";
import { bootId, ownProcess } from "../daemon/process_identity.ts";
import { COMMANDS_ONLY, Reloader } from "../daemon/reload.ts";
import type { ServiceNotify } from "../daemon/service_notify.ts";
import type { ServiceUnit } from "../daemon/service_unit.ts";
import { onReloadSignal, onStopSignals } from "../daemon/signals.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { backupPolicy } from "../database/open.ts";
import { databaseLogSink, logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import { agentsService } from "../supervisor/agents_service.ts";
import { VERSION } from "../version.ts";
import { type DaemonParts, TURN_PATIENCE_MS } from "./daemon_parts.ts";

/** After the third signal, or when the shutdown itself hangs, nothing is waited for any more. */
const FORCED_EXIT = 1;

const STOP_MESSAGES: Record<number, string> = {
  1: "stopping: no new tasks are claimed, those in progress may finish (signal again to release them)",
  2: "stopping now: tasks in progress go back to the queue (signal again to exit at once)",
  3: "exiting at once",
};

/** What surrounds the parts. */
export interface DaemonSurroundings {
  readonly config: Config;
  readonly service: ServiceUnit | undefined;
  readonly claim: DaemonClaim;
  readonly log: DaemonLog;
  readonly notify: ServiceNotify;
  /** The secret of the token file. */
  readonly token: string;
  readonly access: AccessFile;
  /** The embedded database, where it serves. */
  readonly own: EmbeddedDatabase | undefined;
  /** Heeds signals until it is disposed of: after the database is closed, which may take its time. */
  readonly signals: DisposableStack;
  /** Ends the process at once. */
  readonly exit: (code: number) => never;
  /** Reads the configuration again, for a reload. */
  readonly load: () => Promise<LoadedConfig>;
}

/** Runs until a signal has stopped it and the drain is over. @throws what no part could get over */
export async function serveDaemon(parts: DaemonParts, around: DaemonSurroundings): Promise<void> {
  const { worker, agents, schedule, events, metrics, controlled } = parts;
  const { config, claim, log, notify, own } = around;
  const { database } = worker;
  const { scheduler, outbox } = schedule;
  const tell = recordIn(claim, await firstRecord(around));
  const listening = (ports: Pick<DaemonRecord, "controlPort" | "healthPort">) => {
    const record = tell(ports);
    // Not only when the database answers: its outages are the worker's own affair.
    if (record.controlPort !== undefined && record.healthPort !== undefined) void notify.ready("started");
  };
  const jobs = config.enableJobsServer
    ? (await import("../jobs_server/app.ts")).jobsApp({
      database,
      homeToken: around.token,
      leaseSeconds: config.jobsLeaseSeconds,
    })
    : undefined;
  // What can change while it runs; what stands in no list here needs a restart.
  const live = [...log.live, ...worker.live, ...schedule.live, COMMANDS_ONLY];
  const reloader = new Reloader({ config, load: around.load, live, clock: systemClock });
  const reload = async () => {
    await notify.reloading();
    const report = await reloader.reload();
    tell({ reload: report });
    await notify.ready("reloaded");
    return report;
  };
  const stopServers = new AbortController();
  const reachable = Promise.withResolvers<void>();
  const removeSink = log.logging.addSink(databaseLogSink(async (rows) => {
    await database.call("actp_write_worker_logs", { p_worker_id: config.workerId, p_rows: rows }, {
      timeoutMs: 5000,
    });
  }));
  const working = workingService(parts, reachable.promise, async () => {
    await removeSink();
    stopServers.abort();
  });
  const stopReloading = onReloadSignal(async () => void await reload());
  around.signals.defer(onStopSignals((count, signal) => {
    const message = STOP_MESSAGES[count] ?? STOP_MESSAGES[3];
    logger("daemon").info(message, { signal });
    void notify.stopping(message);
    if (count >= 3) around.exit(FORCED_EXIT);
    working.stop();
  }));
  const pulses: Pulse[] = [
    answerPulse("the health server", config.controlHost, () => tell({}).healthPort),
    turnPulse("the queue", () => worker.turnDueAt(), TURN_PATIENCE_MS, systemClock),
    ...scheduler
      ? [turnPulse("the scheduler", () => scheduler.turnDueAt, TURN_PATIENCE_MS, systemClock)]
      : [],
  ];
  const describe = async () => {
    const { status, active_tasks, max_concurrent, reasons } = await worker.status();
    return [`${status}: ${active_tasks} of ${max_concurrent} tasks`, ...reasons].join("; ");
  };
  const control = controlServer({
    config,
    worker: controlled,
    agents,
    scheduler,
    token: around.token,
    access: around.access,
    events,
    secrets: secretsOf(config),
    database,
    embedded: own !== undefined,
    snapshot: own && (() => own.snapshot(config.minFreeBytes)),
    jobs: jobs?.app,
    observe: metrics.requests,
    metrics: () =>
      metrics.text({
        figures: () => worker.figures(),
        agents: () => agents.status(),
        scheduler: () => scheduler?.status(),
      }),
    costs: parts.costs,
    alerts: parts.alerts,
    rateLimit: { requestsPerSecond: config.controlRequestsPerSecond, burst: config.controlRequestBurst },
    reload,
    onSocket: (controlSocket) => void tell({ controlSocket }),
    onListen(port) {
      listening({ controlPort: port });
      reachable.resolve();
    },
  });
  try {
    await runServices([
      working.service,
      healthServer({ config, worker: controlled, onListen: (port) => listening({ healthPort: port }) }),
      control,
      liveness({ notify, pulses, describe, clock: systemClock }),
      ...jobs ? [jobs.service] : [],
      ...own ? [autovacuum(own, systemClock), ...backups(own, config)] : [],
      metrics.service,
      outbox,
      events,
    ], stopServers.signal);
  } finally {
    stopReloading();
  }
}

/** What does the work: tasks, agents and routines. The servers go on until these are drained: agents use them. */
function workingService(parts: DaemonParts, reachable: Promise<void>, drained: () => Promise<void>) {
  const { worker, agents, schedule: { scheduler } } = parts;
  const stopping = new AbortController();
  /** The first time: drain. The second: give everything back. */
  const stop = () => {
    if (stopping.signal.aborted) {
      worker.stop();
      agents.killAll();
    } else stopping.abort();
  };
  const tasks: Service = {
    name: "tasks",
    async run(signal) {
      signal.addEventListener("abort", () => worker.stop(), { once: true });
      await worker.run();
      stopping.abort();
    },
  };
  const service: Service = {
    name: "worker",
    async run(signal) {
      signal.addEventListener("abort", stop, { once: true });
      const services = [
        tasks,
        agentsService(agents, worker.database, systemClock, reachable),
        ...scheduler ? [scheduler] : [],
      ];
      await runServices(services, stopping.signal);
      await drained();
    },
  };
  return { service, stop };
}

async function firstRecord({ config, service }: DaemonSurroundings): Promise<DaemonRecord> {
  return {
    ...await ownProcess(),
    bootId: await bootId(),
    startedAt: new Date(systemClock.now()).toISOString(),
    version: VERSION,
    workerId: config.workerId,
    keeper: await ownKeeper(),
    service,
  };
}

/** Keeps the PID file's record; the function adds to it and returns it. */
function recordIn(claim: DaemonClaim, first: DaemonRecord): (more: Partial<DaemonRecord>) => DaemonRecord {
  let record = first;
  claim.update(record);
  return (more) => {
    if (Object.keys(more).length > 0) {
      record = { ...record, ...more };
      claim.update(record);
    }
    return record;
  };
}

function backups(database: EmbeddedDatabase, config: Config): Service[] {
  if (config.backupKeep === 0 || config.backupHours === 0) return [];
  const intervalMs = config.backupHours * 3_600_000;
  const { minFreeBytes } = config;
  return [
    dailyBackups({ database, policy: backupPolicy(config), intervalMs, minFreeBytes, clock: systemClock }),
  ];
}
