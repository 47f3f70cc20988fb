/** A real worker to look at in a browser: the daemon as a process of its own, on an embedded database. */
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { homePaths } from "../paths.ts";
import { cliEnvironment, spawnCli } from "./cli.ts";
import { homeWithDatabase } from "./embedded_database.ts";

const READY_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 50;

/** The worker; disposal kills it and removes its home. */
export interface DashboardWorker extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, the same after a restart. */
  readonly url: string;
  readonly home: string;
  /** Its environment, for commands about it. */
  readonly env: Readonly<Record<string, string>>;
  /** Asks the control API with the token. @throws Error for anything but success */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Calls a function of its database. */
  call<T>(fn: string, args?: Record<string, unknown>): Promise<T>;
  /** An address that signs a browser in, once. */
  signInUrl(): Promise<string>;
  /** Ends its process and waits. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
}

/** Starts a worker with this config.json and these variables; `prepare` is given its home folder before. */
export async function dashboardWorker(
  config: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, string>> = {},
  prepare?: (home: string) => Promise<void>,
): Promise<DashboardWorker> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await homeWithDatabase());
  const home = folder.path;
  await Deno.writeTextFile(join(home, "config.json"), JSON.stringify(config));
  await prepare?.(home);
  const env = cliEnvironment(home, { WORKER_MIN_FREE_BYTES: "0", ...variables });
  let process: Deno.ChildProcess | undefined;
  let said: Promise<string> = Promise.resolve("");
  let port = 0;
  let token = "";

  const stop = async (signal: Deno.Signal = "SIGTERM") => {
    if (!process) return;
    const ending = process;
    process = undefined;
    ending.kill(signal);
    await ending.status;
    await said;
  };
  const start = async () => {
    const started = spawnCli(["start", "--foreground"], { ...env, WORKER_HEALTH_PORT: String(port) });
    process = started;
    said = Promise.all([started.stdout, started.stderr].map((stream) => new Response(stream).text()))
      .then((texts) => texts.join(""));
    let ended = false;
    void started.status.then(() => ended = true);
    const deadline = systemClock.monotonic() + READY_WITHIN_MS;
    while (!ended && systemClock.monotonic() < deadline) {
      const daemon = await findDaemon(home);
      if (daemon?.controlPort !== undefined && daemon.healthPort !== undefined) {
        port = daemon.controlPort;
        token = (await Deno.readTextFile(homePaths(home).token)).trim();
        const ready = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
        await ready?.body?.cancel();
        if (ready?.ok) return;
      }
      await systemClock.sleep(LOOK_EVERY_MS);
    }
    await stop("SIGKILL");
    throw new Error(`the worker did not become ready: ${(await said).slice(-2000)}`);
  };
  cleanup.defer(() => stop("SIGKILL"));
  await start();

  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  };
  const owned = cleanup.move();
  return {
    url: `http://127.0.0.1:${port}`,
    home,
    env,
    ask,
    call: (fn, args = {}) => ask("POST", `/rest/v1/rpc/${fn}`, args),
    signInUrl: async () =>
      `http://127.0.0.1:${port}/#code=${(await ask<{ code: string }>("POST", "/session/code")).code}`,
    stop,
    start,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
