/** The daemon: a worker with its servers, its PID file and its signals. */
import { systemClock } from "../clock.ts";
import { databaseKind, type LoadedConfig, secretsOf } from "../config.ts";
import { enabledAgents } from "../config/agents.ts";
import { openAccessFile } from "../control/access/access_file.ts";
import { controlServer } from "../control/server.ts";
import { createEventHub, type EventHub } from "../control/events/hub.ts";
import { healthServer } from "../control/health_server.ts";
import { loadOrCreateToken } from "../control/token.ts";
import { crashSummary, readCrashRecord } from "../daemon/crash_record.ts";
import { openDaemonLog } from "../daemon/daemon_log.ts";
import { ownKeeper } from "../daemon/keeper_file.ts";
import { answerPulse, liveness, type Pulse, turnPulse } from "../daemon/liveness.ts";
import { rememberLogSource } from "../daemon/log_source.ts";
import { claimHome, type DaemonRecord } from "../daemon/pid_file.ts";
import { bootId, ownProcess } from "../daemon/process_identity.ts";
import { recover } from "../daemon/recovery.ts";
import { type LiveSetting, Reloader } from "../daemon/reload.ts";
import { openServiceNotify } from "../daemon/service_notify.ts";
import { ownServiceUnit } from "../daemon/service_unit.ts";
import { onReloadSignal, onStopSignals } from "../daemon/signals.ts";
import { deliveryReasons, schedulerReasons, stallReasons, withReasons } from "../health/overall.ts";
import { databaseLogSink, logger } from "../log.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { homeMark, markPrograms } from "../process/orphans.ts";
import { createSchedule } from "../schedule/compose.ts";
import { runServices, type Service } from "../service.ts";
import { agentsService, createAgents, statusWithAgents } from "../supervisor/agents_service.ts";
import { VERSION } from "../version.ts";
import { createWorker } from "../worker.ts";
import type { CliContext } from "./context.ts";
import { prepareDatabase } from "./prepare_database.ts";

/** A claim takes 15 s at the most; a turn that is later than this does not come. */
const TURN_PATIENCE_MS = 60_000;
/** After the third signal, or when the shutdown itself hangs, nothing is waited for any more. */
const FORCED_EXIT = 1;

/** How the parts that main.ts passes in are loaded. */
type Loaders = Pick<CliContext, "executors" | "agents" | "actions">;

/**
 * Runs until a signal has stopped it and the drain is over.
 * @param exit ends the process at once
 * @param load reads the configuration again, for a reload
 * @throws AlreadyRunningError, and what no part could get over
 */
export async function runDaemon(
  loaded: LoadedConfig,
  { executors: loadExecutors, agents: loadAgents, actions: loadActions }: Loaders,
  exit: (code: number) => never,
  load: () => Promise<LoadedConfig>,
): Promise<void> {
  const { config } = loaded;
  const paths = homePaths(config.home);
  const secrets = secretsOf(config);
  const service = await ownServiceUnit();
  const daemonLog = openDaemonLog(config, service, secrets);
  const { logging } = daemonLog;
  const log = logger("daemon");
  await using notify = await openServiceNotify();
  try {
    await ensurePrivateDir(config.home);
    const claim = await claimHome(config.home);
    try {
      const crash = claim.leftover
        ? await recover(claim.leftover, config, secrets, systemClock)
        : await readCrashRecord(config.home);
      await rememberLogSource(config.home, service?.journal ? service : undefined);
      markPrograms(homeMark(config.home));
      const token = await loadOrCreateToken(paths.token);
      logging.addSecrets(token);
      using access = closing(openAccessFile(paths.access));
      if (databaseKind(config) === "embedded") await prepareDatabase(paths.db);
      const { executors, problems } = await loadExecutors(config);
      for (const { file, reason } of problems) {
        log.warn(`an executor of your own is left out: ${file}: ${reason}`);
      }
      // Its hub is made further down, of what tells it from here on.
      const watching: { events?: EventHub } = {};
      const worker = await createWorker({ config, executors, onTask: (news) => watching.events?.task(news) });
      const { database } = worker;
      const agents = await createAgents(loaded, {
        database,
        clock: systemClock,
        env: Deno.env.toObject(),
        cwd: Deno.cwd(),
        secrets: [token],
        onSeen: (status) => watching.events?.agent(status),
        onRun: (agentId, runId, event) => watching.events?.agentRun(agentId, runId, event),
      });
      const ownActions = await loadActions?.(config);
      for (const { file, reason } of ownActions?.problems ?? []) {
        log.warn(`an action of your own is left out: ${file}: ${reason}`);
      }
      // Twenty megabytes that a worker without agents has no use for.
      const wantsAgents = enabledAgents(config).length > 0 || config.routines.length > 0;
      const schedule = createSchedule({
        config,
        database,
        clock: systemClock,
        types: () => worker.capabilities.types(),
        agents: wantsAgents
          ? (await loadAgents?.() ?? []).map(({ id, routines = [] }) => ({ id, routines }))
          : [],
        actions: ownActions?.actions ?? [],
        secrets: [token],
      });
      const { scheduler, outbox } = schedule;
      const controlled = {
        ...worker,
        status: async () => {
          const schedulerStatus = scheduler?.status() ?? null;
          return {
            ...withReasons(statusWithAgents(await worker.status(), agents), [
              ...stallReasons(worker.turnDueAt(), systemClock.monotonic(), TURN_PATIENCE_MS),
              ...schedulerReasons(schedulerStatus),
              ...deliveryReasons(outbox.failures()),
            ]),
            last_crash: crash ? crashSummary(crash) : null,
            scheduler: schedulerStatus,
          };
        },
      };
      const events = watching.events = createEventHub({
        clock: systemClock,
        database,
        status: () => controlled.status(),
        agents: () => agents.status(),
        secrets: [...secrets, token],
      });
      const removeSink = logging.addSink(databaseLogSink(async (rows) => {
        await database.call("actp_write_worker_logs", { p_worker_id: config.workerId, p_rows: rows }, {
          timeoutMs: 5000,
        });
      }));

      let record: DaemonRecord = {
        ...await ownProcess(),
        bootId: await bootId(),
        startedAt: new Date(systemClock.now()).toISOString(),
        version: VERSION,
        workerId: config.workerId,
        keeper: await ownKeeper(),
        service,
      };
      const tell = (more: Partial<DaemonRecord>) => {
        record = { ...record, ...more };
        claim.update(record);
      };
      tell({});
      const describe = async () => {
        const { status, active_tasks, max_concurrent, reasons } = await worker.status();
        return [`${status}: ${active_tasks} of ${max_concurrent} tasks`, ...reasons].join("; ");
      };
      const listening = (ports: Pick<DaemonRecord, "controlPort" | "healthPort">) => {
        tell(ports);
        // Not only when the database answers: its outages are the worker's own affair.
        if (record.controlPort !== undefined && record.healthPort !== undefined) void notify.ready("started");
      };

      const jobs = config.enableJobsServer
        ? (await import("../jobs_server/app.ts")).jobsApp({
          database,
          homeToken: token,
          leaseSeconds: config.jobsLeaseSeconds,
        })
        : undefined;
      const stopServers = new AbortController();
      const stopping = new AbortController();
      const reachable = Promise.withResolvers<void>();
      const stop = () => {
        if (stopping.signal.aborted) {
          worker.stop();
          agents.killAll();
        } else stopping.abort();
      };
      // What can change while it runs; what stands in no list here needs a restart.
      const live: LiveSetting[] = [
        ...daemonLog.live,
        ...worker.live,
        ...scheduler ? [{ keys: ["routines", "heartbeat"] as const, apply: schedule.reload }] : [],
      ];
      const reloader = new Reloader({ config, load, live, clock: systemClock });
      const reload = async () => {
        await notify.reloading();
        const report = await reloader.reload();
        tell({ reload: report });
        await notify.ready("reloaded");
        return report;
      };
      const stopReloading = onReloadSignal(async () => void await reload());
      const pulses: Pulse[] = [
        answerPulse("the health server", config.controlHost, () => record.healthPort),
        turnPulse("the queue", () => worker.turnDueAt(), TURN_PATIENCE_MS, systemClock),
        ...scheduler
          ? [turnPulse("the scheduler", () => scheduler.turnDueAt, TURN_PATIENCE_MS, systemClock)]
          : [],
      ];
      const stopListening = onStopSignals((count, signal) => {
        log.info(STOP_MESSAGES[count] ?? STOP_MESSAGES[3], { signal });
        void notify.stopping(STOP_MESSAGES[count] ?? STOP_MESSAGES[3]);
        if (count >= 3) exit(FORCED_EXIT);
        stop();
      });
      // The servers go on until tasks and agents are drained: agents use them.
      const working: Service = {
        name: "worker",
        run: async (signal) => {
          signal.addEventListener("abort", stop, { once: true });
          const tasks: Service = {
            name: "tasks",
            run: async (signal) => {
              signal.addEventListener("abort", () => worker.stop(), { once: true });
              await worker.run();
              stopping.abort();
            },
          };
          await runServices(
            [
              tasks,
              agentsService(agents, database, systemClock, reachable.promise),
              ...scheduler ? [scheduler] : [],
            ],
            stopping.signal,
          );
          await removeSink();
          stopServers.abort();
        },
      };
      try {
        await runServices([
          working,
          healthServer({ config, worker: controlled, onListen: (port) => listening({ healthPort: port }) }),
          controlServer({
            config,
            worker: controlled,
            agents,
            scheduler,
            token,
            access,
            events,
            secrets,
            database,
            embedded: databaseKind(config) === "embedded",
            jobs: jobs?.app,
            onSocket: (controlSocket) => tell({ controlSocket }),
            budgets: { dayUsd: config.agentDailyBudgetUsd, monthUsd: config.agentMonthlyBudgetUsd },
            rateLimit: {
              requestsPerSecond: config.controlRequestsPerSecond,
              burst: config.controlRequestBurst,
            },
            reload,
            onListen: (port) => {
              listening({ controlPort: port });
              reachable.resolve();
            },
          }),
          liveness({ notify, pulses, describe, clock: systemClock }),
          ...(jobs ? [jobs.service] : []),
          outbox,
          events,
        ], stopServers.signal);
      } finally {
        stopReloading();
        stopListening();
        await database.close();
      }
    } finally {
      await claim.release();
    }
  } finally {
    await daemonLog.dispose();
  }
}

function closing<T extends { close(): void }>(resource: T): T & Disposable {
  return { ...resource, [Symbol.dispose]: () => resource.close() };
}

const STOP_MESSAGES: Record<number, string> = {
  1: "stopping: no new tasks are claimed, those in progress may finish (signal again to release them)",
  2: "stopping now: tasks in progress go back to the queue (signal again to exit at once)",
  3: "exiting at once",
};
