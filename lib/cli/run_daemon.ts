/** The daemon: a worker with its servers, its PID file and its signals. */
import { systemClock } from "../clock.ts";
import { type Config, databaseKind, type LoadedConfig, secretsOf } from "../config.ts";
import { controlServer } from "../control/server.ts";
import { healthServer } from "../control/health_server.ts";
import { loadOrCreateToken } from "../control/token.ts";
import { claimHome, type DaemonRecord } from "../daemon/pid_file.ts";
import { processIdentity } from "../daemon/process_identity.ts";
import { onStopSignals } from "../daemon/signals.ts";
import { databaseLogSink, logger, setUpLogging } from "../log.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { endOrphans, homeMark, markPrograms } from "../process/orphans.ts";
import { runServices, type Service } from "../service.ts";
import { VERSION } from "../version.ts";
import { createWorker } from "../worker.ts";
import type { ExecutorFactory } from "./context.ts";
import { prepareDatabase } from "./prepare_database.ts";

/** After the third signal, or when the shutdown itself hangs, nothing is waited for any more. */
const FORCED_EXIT = 1;

/**
 * Runs until a signal has stopped it and the drain is over.
 * @param exit ends the process at once
 * @throws AlreadyRunningError, and what no part could get over
 */
export async function runDaemon(
  { config }: LoadedConfig,
  loadExecutors: ExecutorFactory,
  exit: (code: number) => never,
): Promise<void> {
  const paths = homePaths(config.home);
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  const log = logger("daemon");
  try {
    await ensurePrivateDir(config.home);
    const claim = await claimHome(config.home);
    try {
      if (claim.leftover) await cleanUpAfter(claim.leftover, config);
      markPrograms(homeMark(config.home));
      const token = await loadOrCreateToken(paths.token);
      logging.addSecrets(token);
      if (databaseKind(config) === "embedded") await prepareDatabase(paths.db);
      const { executors, problems } = await loadExecutors(config);
      for (const { file, reason } of problems) {
        log.warn(`an executor of your own is left out: ${file}: ${reason}`);
      }
      const worker = await createWorker({ config, executors });
      const { database } = worker;
      const removeSink = logging.addSink(databaseLogSink(async (rows) => {
        await database.call("actp_write_worker_logs", { p_worker_id: config.workerId, p_rows: rows }, {
          timeoutMs: 5000,
        });
      }));

      let record: DaemonRecord = {
        pid: Deno.pid,
        identity: await processIdentity(Deno.pid) ?? "",
        startedAt: new Date(systemClock.now()).toISOString(),
        version: VERSION,
        workerId: config.workerId,
      };
      const listening = (ports: Partial<DaemonRecord>) => {
        record = { ...record, ...ports };
        claim.update(record);
      };
      listening({});

      const jobs = config.enableJobsServer
        ? (await import("../jobs_server/app.ts")).jobsApp({
          database,
          homeToken: token,
          leaseSeconds: config.jobsLeaseSeconds,
        })
        : undefined;
      const stopServers = new AbortController();
      const stopListening = onStopSignals((count, signal) => {
        log.info(STOP_MESSAGES[count] ?? STOP_MESSAGES[3], { signal });
        if (count >= 3) exit(FORCED_EXIT);
        worker.stop();
      });
      const working: Service = {
        name: "worker",
        run: async (signal) => {
          signal.addEventListener("abort", () => worker.stop(), { once: true });
          await worker.run();
          await removeSink();
          stopServers.abort();
        },
      };
      try {
        await runServices([
          working,
          healthServer({ config, worker, onListen: (port) => listening({ healthPort: port }) }),
          controlServer({
            config,
            worker,
            token,
            database,
            embedded: databaseKind(config) === "embedded",
            jobs: jobs?.app,
            onListen: (port) => listening({ controlPort: port }),
          }),
          ...(jobs ? [jobs.service] : []),
        ], stopServers.signal);
      } finally {
        stopListening();
        await database.close();
      }
    } finally {
      await claim.release();
    }
  } finally {
    await logging.dispose();
  }
}

/** The last daemon of this home ended without a goodbye: ends what it left running. */
async function cleanUpAfter(leftover: DaemonRecord, config: Config): Promise<void> {
  const log = logger("daemon");
  log.warn(`the last run (pid ${leftover.pid}, started ${leftover.startedAt}) ended without a goodbye`);
  const ended = await endOrphans(homeMark(config.home), systemClock);
  if (ended > 0) log.warn(`ended ${ended} processes that it had left running`);
}

const STOP_MESSAGES: Record<number, string> = {
  1: "stopping: no new tasks are claimed, those in progress may finish (signal again to release them)",
  2: "stopping now: tasks in progress go back to the queue (signal again to exit at once)",
  3: "exiting at once",
};
