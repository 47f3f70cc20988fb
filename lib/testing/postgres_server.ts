/** A real, throw-away PostgreSQL for tests that a stand-in could not fail. */
import { chownSync } from "node:fs";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { copyFolder, copyMadeOnce } from "./made_once.ts";
import { findProgram } from "./requirements.ts";
import { onFreePort, startServerProcess } from "./server_process.ts";
import { tempDir } from "./temp.ts";

/** How a test server differs from the usual one. */
export interface PostgresOptions {
  /** Writes through to the disk, as a server in earnest does; off unless told, since tests outlive no power cut. */
  readonly fsync?: boolean;
  /** Server settings, e.g. `{ max_connections: "10", timezone: "Asia/Tokyo" }`. */
  readonly settings?: Record<string, string>;
}

/** A server on 127.0.0.1 that lets anybody in; disposal stops it and removes its data. */
export interface PostgresServer extends AsyncDisposable {
  /** The database `postgres`, as the superuser `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Of the server's main process; another one after a restart. */
  readonly pid: number;
  /**
   * Creates a database, a copy of `template`, in 0.1 to 0.3 s, and returns its URL. Migrate one and copy it: nobody may be
   * connected to the template meanwhile.
   */
  createDatabase(name?: string, template?: string): Promise<string>;
  /** "fast" ends connections in good order; "immediate" is a crash: the next start recovers. Idempotent. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts it again, with the same port and data, after stopping it if it runs. */
  restart(mode?: "fast" | "immediate"): Promise<void>;
  /** Suspends the server with all its processes: connections hang. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "16MB",
  full_page_writes: "off",
};

/** PostgreSQL refuses to run as root; this is "nobody", who owns nothing else. */
const NOBODY = 65_534;

/**
 * Starts a server: `await using server = await startPostgres();` (with `...await needs("postgres")`). It does not
 * outlive its test, not even a killed one.
 * @throws Error with the server's log when it does not start.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const program = await findProgram("postgres");
  if (!program) throw new Error('postgres: not found; install it, or let the test say needs("postgres")');
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempDir()).path;
  const user = Deno.uid() === 0 ? NOBODY : undefined;
  if (user) chownSync(folder, user, user);
  // PostgreSQL finds its tools and files beside the real program, not beside a link to it.
  const binaries = dirname(await Deno.realPath(program));
  const data = join(folder, "data");
  await initialise(join(binaries, "initdb"), data, user);

  const settings = { ...SETTINGS, fsync: options.fsync ? "on" : "off", ...options.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const start = async (port: number) => {
    const process = await startServerProcess({
      program: join(binaries, "postgres"),
      args: ["-D", data, "-p", `${port}`, ...flags],
      env: {},
      folder,
      user,
      isReady: (pid) => isReady(join(data, "postmaster.pid"), pid),
    });
    return { process, port };
  };

  let server = await onFreePort(start);
  const { port } = server;
  const url = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`;
  const stop = (mode: "fast" | "immediate" = "fast") =>
    server.process.stop(mode === "fast" ? "SIGINT" : "SIGQUIT");
  cleanup.defer(() => stop("immediate"));
  const owned = cleanup.move();
  return {
    url: url("postgres"),
    port,
    get pid() {
      return server.process.pid;
    },
    async createDatabase(name = `test_${crypto.randomUUID().replaceAll("-", "")}`, template = "template1") {
      const sql = postgres(url("postgres"), { max: 1 });
      try {
        await sql`create database ${sql(name)} template ${sql(template)}`;
      } finally {
        await sql.end();
      }
      return url(name);
    },
    stop,
    async restart(mode) {
      await stop(mode);
      server = await start(port);
    },
    pause: () => server.process.pause(),
    resume: () => server.process.resume(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function initialise(initdb: string, data: string, user: number | undefined): Promise<void> {
  await copyMadeOnce("postgresql", `${initdb} ${user}`, async (draft) => {
    // PostgreSQL's user may not write to the folder where it is kept.
    await using folder = await tempDir();
    if (user) chownSync(folder.path, user, user);
    const made = join(folder.path, "data");
    await runInitdb(initdb, made, user);
    await copyFolder(made, draft);
  }, data);
}

async function runInitdb(initdb: string, data: string, user: number | undefined): Promise<void> {
  const { success, stderr } = await new Deno.Command(initdb, {
    args: [
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ],
    clearEnv: true,
    cwd: dirname(data),
    uid: user,
    gid: user,
  }).output();
  if (!success) throw new Error(`initdb failed: ${new TextDecoder().decode(stderr)}`);
}

/** The server writes its state as the last line of its PID file; the first tells whose file it is. */
async function isReady(pidFile: string, pid: number): Promise<boolean> {
  try {
    const lines = (await Deno.readTextFile(pidFile)).split("\n");
    return lines[0] === `${pid}` && lines[7]?.trim() === "ready";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
