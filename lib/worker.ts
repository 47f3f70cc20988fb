/** Puts the worker together from its parts, and runs it from start to drained. */
import { statfs } from "node:fs";
import { release, type } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { LiveSetting } from "./daemon/reload.ts";
import type { Database } from "./database/database.ts";
import { openDatabase } from "./database/open.ts";
import { logger } from "./log.ts";
import { ensurePrivateDir, homePaths } from "./paths.ts";
import { homeMark } from "./process/orphans.ts";
import { legacyLoops } from "./legacy/settings.ts";
import { Capabilities } from "./queue/capabilities.ts";
import { configuredSources, legacySources } from "./queue/configured_sources.ts";
import { type Journal, openJournal } from "./queue/journal.ts";
import { DEFAULT_LEASE_TIMING } from "./queue/lease_keeper.ts";
import { Outage } from "./queue/outage.ts";
import { presence } from "./queue/presence.ts";
import { Queues } from "./queue/queues.ts";
import { Registration } from "./queue/registration.ts";
import type { TaskListener } from "./queue/task_news.ts";
import { Retention } from "./queue/retention.ts";
import { runServices, type Service } from "./service.ts";
import { readStatus, type WorkerStatus } from "./status.ts";
import { readMachine, systemInfo } from "./system_info.ts";
import type { Executor } from "./task/task.ts";
import { VERSION } from "./version.ts";

/** What a worker is made of. */
export interface WorkerOptions {
  readonly config: Config;
  readonly executors: readonly Executor[];
  /** Opened as the configuration asks, unless given. */
  readonly database?: Database;
  readonly clock?: Clock;
  /** Told what becomes of tasks here. */
  readonly onTask?: TaskListener;
}

/** A worker that has been put together and not yet started. */
export interface Worker {
  /** Stays open when the worker has stopped: close it then. */
  readonly database: Database;
  readonly capabilities: Capabilities;
  /** Runs until {@link stop} and the drain that follows. @throws what no part could get over */
  run(): Promise<void>;
  /** First: claim no more and drain. Second: stop what is in progress and give it back to the queue. */
  stop(): void;
  /** Looks for work now. */
  wake(): void;
  status(): Promise<WorkerStatus>;
  /** When the turn of its main loop is due, on the monotonic clock: long past where it hangs. */
  turnDueAt(): number | undefined;
  /** What of the configuration can change while it runs. */
  readonly live: readonly LiveSetting[];
}

/** Makes a worker: opens its database and journal, and asks the machine what it can do. Nothing is claimed yet. */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { config, clock = systemClock } = options;
  let { minFreeBytes, maxConcurrent } = config;
  const paths = homePaths(config.home);
  await ensurePrivateDir(config.home);
  const tempRoot = await emptyTempRoot(config);
  const capabilities = new Capabilities(options.executors, clock);
  const [database, machine] = await Promise.all([
    options.database ?? openDatabase(config),
    readMachine(),
    capabilities.detect(),
  ]);
  const journal = openJournal(paths.journal, clock);
  const outage = new Outage("the database", clock);
  const startedAt = new Date(clock.now()).toISOString();
  const started = clock.monotonic();

  const queues = new Queues({
    sources: configuredSources(config, database, outage, clock),
    capabilities,
    journal,
    clock,
    leaseTiming: { ...DEFAULT_LEASE_TIMING, intervalMs: config.taskHeartbeatSeconds * 1000 },
    maxConcurrent: config.maxConcurrent,
    concurrency: config.concurrency,
    drainMs: config.drainSeconds * 1000,
    tempRoot,
    onTask: options.onTask,
    maxInputBytes: config.maxInputBytes,
    maxOutputBytes: config.maxOutputBytes,
    gate: {
      database,
      clock,
      workerId: config.workerId,
      trusted: config.trustedQueues,
      expiresMs: config.approvalHours * 3_600_000,
    },
    holdBack: async () =>
      fullJournal(journal, config.journalMaxOutcomes) ??
        await lackOfDisk(config.home, minFreeBytes),
  });
  const loops = legacyLoops(config, clock);
  const registration = new Registration({
    database,
    identity: {
      worker_id: config.workerId,
      hostname: Deno.hostname(),
      os_version: `${type()} ${release()}`,
      version: VERSION,
      max_concurrent: config.maxConcurrent,
    },
    types: () => config.enableCapabilityRegistration ? capabilities.types() : [],
    systemInfo: () => systemInfo(machine, capabilities.all(), config),
    current: () =>
      queues.running().map(({ task, startedAt }) => ({
        task_id: task.id,
        task_type: task.type,
        started_at: new Date(startedAt).toISOString(),
      })),
    startedAt,
    intervalMs: config.workerHeartbeatSeconds * 1000,
    clock,
    outage,
    asks: () => queues.spare(),
  });
  const retention = new Retention({ database, policy: config, clock });
  const living = presence({
    database,
    workerId: config.workerId,
    clock,
    intervalMs: config.workerHeartbeatSeconds * 1000,
    asks: () => queues.spare(),
  });

  const stopping = new AbortController();
  return {
    database,
    capabilities,
    async run() {
      const forget = capabilities.onChange(() => registration.changed());
      const background = new AbortController();
      const draining: Service = {
        name: "queue",
        // The rest goes on until the drain is over: leases, heartbeats, logs.
        run: async (signal) => {
          await queues.run(AbortSignal.any([stopping.signal, signal]));
          background.abort();
        },
      };
      // Not while it drains.
      const untilStop = [retention, ...loops].map((service): Service => ({
        name: service.name,
        run: (signal) => service.run(AbortSignal.any([stopping.signal, signal])),
      }));
      const log = logger("worker");
      log.info(`online: ${config.workerId} on ${database.description}`, {
        capabilities: capabilities.types(),
      });
      try {
        const others = [registration, capabilities, living, ...untilStop];
        await runServices([draining, ...others], background.signal);
      } finally {
        forget();
        journal.close();
        log.info("stopped");
      }
    },
    stop() {
      if (stopping.signal.aborted) queues.releaseNow();
      else stopping.abort();
    },
    wake: () => queues.wake(),
    turnDueAt: () => queues.turnDueAt,
    live: [
      { keys: ["minFreeBytes"], apply: (config) => void ({ minFreeBytes } = config) },
      {
        keys: ["maxConcurrent"],
        apply(config) {
          ({ maxConcurrent } = config);
          queues.resize(maxConcurrent);
        },
      },
    ],
    status: () =>
      readStatus({
        config: { ...config, maxConcurrent },
        database,
        capabilities,
        queues,
        loops: [...loops, ...legacySources(config)],
        outage,
        journal,
        uptimeMs: clock.monotonic() - started,
      }),
  };
}

/** A folder for attempts that is this home's alone, so that what a killed worker left in it can be removed. */
async function emptyTempRoot(config: Config): Promise<string> {
  await ensurePrivateDir(config.downloadDir);
  const root = join(config.downloadDir, homeMark(config.home));
  await Deno.remove(root, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await ensurePrivateDir(root);
  return root;
}

/** Why nothing should be claimed: more outcomes wait than the journal may hold. */
function fullJournal(journal: Journal, max: number): string | undefined {
  if (journal.size() < max) return undefined;
  return `${journal.size()} outcomes wait to be reported (JOURNAL_MAX_OUTCOMES)`;
}

/** Why nothing should be claimed: too little space is left on the disk that holds `folder`. */
async function lackOfDisk(folder: string, minFreeBytes: number): Promise<string | undefined> {
  const { bavail, bsize } = await promisify(statfs)(folder);
  const free = bavail * bsize;
  if (free >= minFreeBytes) return undefined;
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  return `${mib(free)} MiB free on the disk of ${folder}, less than ${
    mib(minFreeBytes)
  } (WORKER_MIN_FREE_BYTES)`;
}
