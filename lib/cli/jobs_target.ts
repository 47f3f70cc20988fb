/** Which jobs server the `jobs` commands speak to, and with which secret. */
import type { Config, LoadedConfig } from "../config.ts";
import { readToken } from "../control/token.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { JobsError } from "../jobs/call.ts";
import { type JobsClient, jobsClient } from "../jobs/client.ts";
import { findJobsServer } from "../jobs_server/record.ts";
import { homePaths } from "../paths.ts";
import { hostOf } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/**
 * The server that is named (`--server`, JOBS_SERVER_URL, `~/.flowy`), else the one of this home folder. The home
 * folder's token goes only to a server of this home folder.
 * @throws ExitError 3 where there is none
 */
export async function jobsTarget(
  { config }: LoadedConfig,
): Promise<JobsClient> {
  const own = await ownServers(config);
  const url = config.jobsServerUrl ?? own[0];
  if (url === undefined) {
    throw new ExitError(
      EXIT.notRunning,
      "No jobs server is named and none runs here. Set JOBS_SERVER_URL or --server, or start `actp-worker server`.",
    );
  }
  const home = own.includes(url.replace(/\/+$/, ""))
    ? await readToken(homePaths(config.home).token)
    : undefined;
  try {
    return jobsClient({ url, token: config.jobsToken ?? home });
  } catch (error) {
    throw new ExitError(EXIT.usage, (error as Error).message, { cause: error });
  }
}

/** The addresses of the jobs servers that run in this home folder. */
async function ownServers(config: Config): Promise<string[]> {
  const alone = await findJobsServer(config.home);
  const daemon = config.enableJobsServer ? await findDaemon(config.home) : undefined;
  return [
    ...(alone ? [alone.url] : []),
    ...(daemon?.controlPort === undefined ? [] : [`http://${hostOf(config)}:${daemon.controlPort}`]),
  ];
}

/** Gives a server's refusal its exit code. */
export function jobsExit(error: unknown): unknown {
  if (!(error instanceof JobsError)) return error;
  return new ExitError(error.transient ? EXIT.unavailable : EXIT.failed, error.message, { cause: error });
}
