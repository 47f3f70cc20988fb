/** `~/.flowy`, the configuration file (TOML) of the program that the jobs commands and the jobs source replace. */
import type { ConfigKey } from "./fields.ts";

/** The names that the file has for fields. Its other fields are somebody else's. */
const NAMES: Partial<Record<ConfigKey, string>> = {
  jobsServerUrl: "SERVER_URL",
  workerId: "WORKER_ID",
  jobsHeartbeatSeconds: "HEARTBEAT_SECS",
  jobsPollSeconds: "POLL_SECS",
  jobsMax: "MAX_JOBS",
  logLevel: "DEBUG",
};

/** The file's name for a field, if it has one. */
export function flowyNames(key: ConfigKey): readonly string[] {
  const name = NAMES[key];
  return name === undefined ? [] : [name];
}

/** What the file says, by its own names. @throws Error telling where it is no TOML */
export async function parseFlowyFile(text: string): Promise<Record<string, unknown>> {
  const { parse } = await import("smol-toml");
  let values: Record<string, unknown>;
  try {
    values = parse(text);
  } catch (error) {
    throw new Error(`it is not TOML: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
  const { DEBUG, ...others } = values;
  return DEBUG === true ? { ...others, DEBUG: "debug" } : others;
}
