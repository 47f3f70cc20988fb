/** The daemon: one for a home folder, from its lock to its last log line. */
import { systemClock } from "../clock.ts";
import { type Config, databaseKind, type LoadedConfig, secretsOf } from "../config.ts";
import { openAccessFile } from "../control/access/access_file.ts";
import { loadOrCreateToken } from "../control/token.ts";
import { closeWithBackup, programMark } from "../daemon/backups.ts";
import { readCrashRecord } from "../daemon/crash_record.ts";
import { openDaemonLog } from "../daemon/daemon_log.ts";
import { rememberLogSource } from "../daemon/log_source.ts";
import { claimHome } from "../daemon/pid_file.ts";
import { recover } from "../daemon/recovery.ts";
import { extendedWhile, openServiceNotify } from "../daemon/service_notify.ts";
import { ownServiceUnit } from "../daemon/service_unit.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { removeSnapshots } from "../database/embedded_snapshot.ts";
import { backupPolicy, openOwnDatabase } from "../database/open.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { homeMark, markPrograms } from "../process/orphans.ts";
import { createParts, type Loaders } from "./daemon_parts.ts";
import { serveDaemon } from "./daemon_services.ts";
import { prepareDatabase } from "./prepare_database.ts";

/**
 * Runs until a signal has stopped it and the drain is over.
 * @param exit ends the process at once
 * @param load reads the configuration again, for a reload
 * @throws AlreadyRunningError, and what no part could get over
 */
export async function runDaemon(
  loaded: LoadedConfig,
  loaders: Loaders,
  exit: (code: number) => never,
  load: () => Promise<LoadedConfig>,
): Promise<void> {
  const { config } = loaded;
  const paths = homePaths(config.home);
  const secrets = secretsOf(config);
  const service = await ownServiceUnit();
  const log = openDaemonLog(config, service, secrets);
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
      log.logging.addSecrets(token);
      using access = closing(openAccessFile(paths.access));
      const replaced = await programMark();
      const own = databaseKind(config) === "embedded"
        ? await extendedWhile(notify, openPrepared(config), systemClock)
        : undefined;
      using signals = new DisposableStack();
      const parts = await createParts(loaded, { loaders, own, token, crash });
      try {
        const around = { config, service, claim, log, notify, token, access, own, signals, exit, load };
        await serveDaemon(parts, around);
      } finally {
        parts.close();
        await (own
          ? extendedWhile(
            notify,
            closeWithBackup(own, backupPolicy(config), { upgrading: await replaced() }),
            systemClock,
          )
          : parts.worker.database.close());
      }
    } finally {
      await claim.release();
    }
  } finally {
    await log.dispose();
  }
}

/** The embedded database, up to date. What takes memory to make is done by a process of its own. */
async function openPrepared(config: Config): Promise<EmbeddedDatabase> {
  const { db } = homePaths(config.home);
  await prepareDatabase(db);
  await removeSnapshots(db);
  return await openOwnDatabase(config);
}

function closing<T extends { close(): void }>(resource: T): T & Disposable {
  return { ...resource, [Symbol.dispose]: () => resource.close() };
}
