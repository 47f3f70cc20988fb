/** A jobs server as a real process of a test. */
import { join } from "node:path";
import { cliEnvironment, spawnCli } from "./cli.ts";
import { TextLineStream } from "./lines.ts";

/** A running server; disposal stops it. */
export interface JobsServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Of the home folder. */
  readonly token: string;
  /** Ends it in good order, or as a crash; returns its exit code. Idempotent. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<number>;
  /** What it has written to standard error, when it has ended. */
  log(): Promise<string>;
}

/**
 * Starts `server` with `args` in the home folder and waits for its readiness line.
 * @throws Error with what it printed when it ends before
 */
export async function startJobsServer(
  home: string,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<JobsServerProcess> {
  const env = cliEnvironment(home, { JOBS_SERVER_PORT: "0", ...options.env });
  const child = spawnCli(["server", "--json", ...options.args ?? []], env);
  const stderr = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  const first = await lines.read();
  if (first.done) throw new Error(`the jobs server ended with ${(await child.status).code}: ${await stderr}`);
  const { url } = JSON.parse(first.value);
  let stopping: Promise<number> | undefined;
  const stop = async (signal: "SIGTERM" | "SIGKILL") => {
    child.kill(signal);
    while (!(await lines.read()).done);
    await stderr;
    return (await child.status).code;
  };
  return {
    url,
    pid: child.pid,
    token: (await Deno.readTextFile(join(home, "token"))).trim(),
    stop: (signal = "SIGTERM") => stopping ??= stop(signal),
    log: () => stderr,
    async [Symbol.asyncDispose]() {
      await (stopping ??= stop("SIGTERM"));
    },
  };
}
