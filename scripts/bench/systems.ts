/** What is measured, and how each of them gets a fresh, empty queue. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { createSupabaseRoles, startPostgrest } from "../../lib/testing/postgrest.ts";
import type { PostgresServer } from "../../lib/testing/postgres_server.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { type Command, type Host, startHost } from "./host.ts";
import type { Peers } from "./peers.ts";

/** A fresh queue; disposal ends its hosts and forgets it. */
export interface Place extends AsyncDisposable {
  /** Starts a process that can enqueue, work, or both. Where only one may open the database, it is that one. */
  start(): Promise<Host>;
  /** Whether any task is not settled yet. */
  unfinished(): Promise<boolean>;
  /** Brings the planner's statistics up to date, as they are on a queue that has run for a while. */
  analyse(): Promise<void>;
  /** Committed and rolled-back transactions since the beginning. */
  transactions?(): Promise<number>;
  /** The whole program, `start --foreground`, with its probe port. */
  program?(): Program;
}

/** How the whole program is started, and where it says that it can work. */
export interface Program {
  readonly command: Command;
  readonly readyUrl: string;
}

/** A queue with its worker. */
export interface System {
  readonly name: string;
  /** How many worker processes may share one queue. */
  readonly processes: number;
  /** The least possible, for comparison only: no wake-up, leases or tokens. */
  readonly bare?: boolean;
  place(): Promise<Place>;
}

/** Where systems find what they need. */
export interface Surroundings {
  readonly server: PostgresServer;
  /** Kills every process that was started. */
  readonly signal: AbortSignal;
  /** A folder for CPU profiles of what runs on Deno, which is slower then. */
  readonly profiles?: string;
}

/** A queue on PostgreSQL: what runs it, given the database's URL and a folder of its own. */
interface Kind {
  readonly name: string;
  readonly command: (url: string, home: string) => Command;
  /** A query for one boolean. */
  readonly unfinished: string;
  readonly program?: (url: string, home: string) => Program;
  /** Makes the empty database ready for the system's own set-up. */
  readonly prepare?: (url: string) => Promise<void>;
}

type DenoRunner = (
  script: string,
  home: string,
  env: Record<string, string>,
  args?: readonly string[],
) => Command;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WORKER = "scripts/bench/our_worker.ts";

/** This project's worker on PostgreSQL, REST and the embedded database, and the bare loop. */
export function ownSystems(surroundings: Surroundings): System[] {
  const { server } = surroundings;
  const deno = denoRunner(surroundings);
  const ours: Kind = {
    name: "ours",
    command: (url, home) => deno(WORKER, home, { DATABASE_URL: url }),
    unfinished:
      "select exists (select from actp_workflow_tasks where status in ('pending', 'claimed', 'running')) as unfinished",
    program: (url, home) => wholeProgram(deno, home, { DATABASE_URL: url }),
  };
  const bare: Kind = {
    name: "bare loop",
    command: (url, home) => deno("scripts/bench/bare_worker.ts", home, { DATABASE_URL: url }),
    unfinished: "select exists (select from bare where state <> 'done') as unfinished",
  };
  return [
    { name: ours.name, processes: 2, place: postgresPlaces(server, ours) },
    restSystem(server, ours, deno),
    embeddedSystem(deno),
    { name: bare.name, processes: 2, bare: true, place: postgresPlaces(server, bare) },
  ];
}

/** The queues that others have made. */
export function peerSystems({ server, signal }: Surroundings, peers: Peers): System[] {
  const run = (script: string) => (url: string): Command => ({
    program: peers.node,
    args: [join(peers.folder, `${script}.mjs`)],
    env: { ...inherited(), DATABASE_URL: url, NODE_ENV: "production" },
    cwd: peers.folder,
    signal,
  });
  const kinds: Kind[] = [
    {
      name: "graphile-worker",
      command: run("graphile_worker"),
      unfinished: "select exists (select from graphile_worker._private_jobs) as unfinished",
    },
    {
      name: "pg-boss",
      command: run("pg_boss"),
      unfinished:
        "select exists (select from pgboss.job where name = 'bench' and state < 'completed') as unfinished",
    },
    {
      name: "bullmq",
      command: run("bullmq"),
      unfinished:
        "select exists (select from bullmq.job where state not in ('completed', 'failed')) as unfinished",
    },
  ];
  return kinds.map((kind) => ({
    name: kind.name,
    processes: 2,
    place: postgresPlaces(server, kind),
  }));
}

/** Each place is a copy of one database that the system has set up. */
function postgresPlaces(server: PostgresServer, kind: Kind) {
  let template: Promise<string> | undefined;
  return async (): Promise<Place & { readonly url: string; readonly home: string }> => {
    template ??= makeTemplate(server, kind);
    template.catch(() => template = undefined); // the next place tries again
    const url = await server.createDatabase(undefined, await template);
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => dropDatabase(server, nameOf(url)));
    const home = cleanup.use(await tempDir()).path;
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const statistics = postgres(server.url, { max: 1 });
    cleanup.defer(() => sql.end());
    cleanup.defer(() => statistics.end());
    let started = 0;
    const owned = cleanup.move();
    return {
      url,
      home,
      start: async () => owned.use(await startHost(kind.command(url, join(home, `${++started}`)))),
      unfinished: async () => (await sql.unsafe(kind.unfinished))[0].unfinished,
      analyse: async () => void await sql`vacuum analyze`,
      async transactions() {
        const [row] = await statistics`
          select xact_commit + xact_rollback as n from pg_stat_database where datname = ${nameOf(url)}`;
        return Number(row.n);
      },
      ...(kind.program && { program: () => kind.program!(url, join(home, "program")) }),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  };
}

function restSystem(server: PostgresServer, ours: Kind, deno: DenoRunner): System {
  const places = postgresPlaces(server, { ...ours, program: undefined, prepare: createSupabaseRoles });
  return {
    name: "ours-rest",
    processes: 2,
    async place() {
      await using cleanup = new AsyncDisposableStack();
      const place = cleanup.use(await places());
      const { url, secretKey } = cleanup.use(await startPostgrest(place.url));
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: secretKey };
      const owned = cleanup.move();
      return {
        ...place,
        start: async () =>
          owned.use(await startHost(deno(WORKER, join(place.home, crypto.randomUUID()), env))),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}

function embeddedSystem(deno: DenoRunner): System {
  return {
    name: "ours-embedded",
    processes: 1,
    async place() {
      await using cleanup = new AsyncDisposableStack();
      const home = join(cleanup.use(await tempDir()).path, "home");
      const owned = cleanup.move();
      let host: Host | undefined;
      const start = async () =>
        host && !host.ended ? host : host = owned.use(await startHost(deno(WORKER, home, {})));
      return {
        start,
        unfinished: async () => (await start()).ask<boolean>("unfinished"),
        analyse: () => Promise.resolve(),
        program: () => wholeProgram(deno, home, {}),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}

async function makeTemplate(server: PostgresServer, kind: Kind): Promise<string> {
  const url = await server.createDatabase();
  await kind.prepare?.(url);
  await using home = await tempDir();
  await using host = await startHost(kind.command(url, home.path));
  await host.ask("setup");
  return nameOf(url);
}

async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  const sql = postgres(server.url, { max: 1 });
  try {
    await sql`drop database ${sql(name)} with (force)`;
  } finally {
    await sql.end();
  }
}

function denoRunner({ signal, profiles }: Surroundings): DenoRunner {
  const profiling = profiles ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : [];
  const options = ["-q", "-P", "--no-prompt", ...profiling, "--config", join(ROOT, "deno.json")];
  return (script, home, env, args = []) => ({
    program: Deno.execPath(),
    args: ["run", ...options, join(ROOT, script), ...args],
    env: {
      ...inherited(),
      ACTP_HOME: home,
      WORKER_ID: `bench-${crypto.randomUUID()}`,
      // The most that the configuration allows, since the peers' batches are large too.
      MAX_CONCURRENT_TASKS: "2000",
      ...env,
    },
    cwd: "/", // where no .env lies
    signal,
  });
}

function wholeProgram(deno: DenoRunner, home: string, env: Record<string, string>): Program {
  const port = freePort();
  const ports = { WORKER_HEALTH_PORT: "0", WORKER_PROBE_PORT: `${port}` };
  return {
    command: deno("main.ts", home, { ...env, ...ports }, ["start", "--foreground"]),
    readyUrl: `http://127.0.0.1:${port}/ready`,
  };
}

/** What programs need of this one's environment; nothing of it configures them. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG", "DENO_DIR", "XDG_CACHE_HOME"];
  return Object.fromEntries(names.flatMap((name) => Deno.env.has(name) ? [[name, Deno.env.get(name)!]] : []));
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
