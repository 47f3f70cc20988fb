/** Where the daemon's log goes: standard error, which a service manager keeps, or files of its own. */
import type { Config } from "../config.ts";
import { type Logging, setUpLogging } from "../log.ts";
import { RotatingFile } from "../log/rotating_file.ts";
import type { RotationPolicy } from "../log/rotation.ts";
import { homePaths } from "../paths.ts";
import type { LiveSetting } from "./reload.ts";
import type { ServiceUnit } from "./service_unit.ts";

/** The daemon's logging. */
export interface DaemonLog {
  readonly logging: Logging;
  /** The settings of the log that change while it is written. */
  readonly live: readonly LiveSetting[];
  /** Ends the logging and its file. */
  dispose(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** Whether the log goes to files. launchd would let its own file of standard error grow without bounds. Pure. */
export function logsToFiles({ logTo }: Pick<Config, "logTo">, service: ServiceUnit | undefined): boolean {
  return logTo === "file" || logTo === "auto" && service?.manager === "launchd";
}

/** The bounds of the log files. Pure. */
export function rotationPolicy(config: Config): RotationPolicy {
  return {
    maxBytes: config.logMaxBytes,
    totalBytes: config.logTotalBytes,
    maxAgeMs: config.logRotateHours * HOUR_MS,
    keepMs: config.logKeepDays * 24 * HOUR_MS,
  };
}

/** Begins to log as the configuration asks. Files always hold JSON, so that `logs` can choose among their lines. */
export function openDaemonLog(
  config: Config,
  service: ServiceUnit | undefined,
  secrets: readonly string[],
): DaemonLog {
  let policy = rotationPolicy(config);
  const files = logsToFiles(config, service)
    ? new RotatingFile({ folder: homePaths(config.home).logs, policy: () => policy, onTrouble: tellStderr })
    : undefined;
  const logging = setUpLogging({
    level: config.logLevel,
    format: files ? "json" : config.logFormat,
    secrets: () => secrets,
    ...(files ? { stream: files } : {}),
  });
  return {
    logging,
    live: [
      { keys: ["logLevel"], apply: ({ logLevel }) => logging.setLevel(logLevel) },
      {
        keys: ["logMaxBytes", "logTotalBytes", "logRotateHours", "logKeepDays"],
        apply: (config) => void (policy = rotationPolicy(config)),
      },
    ],
    async dispose() {
      await logging.dispose();
      files?.close();
    },
  };
}

/** The log cannot tell of its own trouble. */
function tellStderr(message: string): void {
  const time = new Date().toISOString();
  const line = JSON.stringify({ time, level: "error", category: "actp.log.file", message }) + "\n";
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
