/** `server`: the jobs server alone, and `server tokens`: who may speak to it. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Config, databaseKind, type LoadedConfig, secretsOf } from "../config.ts";
import { isLoopback, workerId } from "../config/schemas.ts";
import { loadOrCreateToken } from "../control/token.ts";
import { autovacuum } from "../daemon/autovacuum.ts";
import { closeWithBackup, programMark } from "../daemon/backups.ts";
import { claimHome, findDaemon } from "../daemon/pid_file.ts";
import { processIdentity } from "../daemon/process_identity.ts";
import { onStopSignals } from "../daemon/signals.ts";
import type { Database } from "../database/database.ts";
import type { EmbeddedDatabase } from "../database/embedded.ts";
import { backupPolicy, openDatabase, openOwnDatabase } from "../database/open.ts";
import { writeServerRecord } from "../jobs_server/record.ts";
import { createToken, listTokens, revokeToken, type TokenRow } from "../jobs_server/tokens.ts";
import { logger, setUpLogging } from "../log.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { runServices } from "../service.ts";
import { VERSION } from "../version.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { integer } from "./enqueue.ts";
import { EXIT, ExitError } from "./exit.ts";
import { prepareDatabase } from "./prepare_database.ts";
import { printable, table, type Terminal } from "./terminal.ts";

interface ServerOptions extends GlobalOptions {
  readonly port?: number;
  readonly host?: string;
  readonly open?: boolean;
}

interface CreateOptions extends GlobalOptions {
  readonly worker?: string;
  readonly submit?: boolean;
  readonly name?: string;
}

/** Adds the commands. */
export function addServer(program: Command, context: CliContext, exit: (code: number) => never): void {
  const server = program.command("server")
    .description("serve WDL jobs to workers anywhere, on the configured database, without working itself")
    .option("--port <port>", "where to listen (3030; 0 takes a free one)", integer("--port"))
    .option("--host <address>", "listen on this address; this machine's own unless told")
    .option("--open", "let programs of this machine in without a token, as old clients need it")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker server --port 3030
  $ actp-worker server tokens create --worker render-mac
  $ actp-worker server tokens create --submit --name laptop`,
    )
    .action((_options, command: Command) => serve(context, command.optsWithGlobals<ServerOptions>(), exit));

  const tokens = server.command("tokens").description("the tokens of workers and of those who submit jobs");
  tokens.command("create")
    .description("make a token and print it, once")
    .option("--worker <id>", "for this worker")
    .option("--submit", "for submitting, listing and canceling jobs")
    .option("--name <text>", "for people: where it is used")
    .action((_options, command: Command) => create(context, command.optsWithGlobals<CreateOptions>()));
  tokens.command("list")
    .description("all tokens, without the secrets")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  tokens.command("revoke <id>")
    .description("end a token at once")
    .action((id: string, _options, command: Command) => revoke(context, id, command.optsWithGlobals()));
}

async function serve(
  context: CliContext,
  options: ServerOptions,
  exit: (code: number) => never,
): Promise<void> {
  const loaded = await readConfig(context, options);
  const { config } = loaded;
  const hostname = options.host ?? config.controlHost;
  const port = options.port ?? config.jobsServerPort;
  if (port < 0 || port > 65_535) throw new ExitError(EXIT.usage, `--port ${port} is not a port (0 to 65535)`);
  if (options.open && !isLoopback(hostname)) {
    throw new ExitError(
      EXIT.usage,
      `--open lets in whoever reaches ${hostname}: use it on this machine's own address`,
    );
  }
  await withLogging(loaded, async (addSecrets) => {
    await ensurePrivateDir(config.home);
    const token = await loadOrCreateToken(homePaths(config.home).token);
    addSecrets(token);
    const { jobsApp } = await import("../jobs_server/app.ts");
    const { jobsServer } = await import("../jobs_server/server.ts");
    await withOwnDatabase(config, async ({ database, own }, listening) => {
      // Says at once what would otherwise be the answer to every request: no database, or no schema.
      await database.call("actp_list_jobs", { p_limit: 1 });
      const jobs = jobsApp({
        database,
        homeToken: token,
        open: options.open,
        leaseSeconds: config.jobsLeaseSeconds,
      });
      let removeRecord: (() => Promise<void>) | undefined;
      const stop = new AbortController();
      const stopListening = onStopSignals((count, signal) => {
        logger("jobs").info("stopping", { signal });
        if (count > 1) exit(EXIT.failed);
        stop.abort();
      });
      const serving = jobsServer({
        jobs,
        database,
        hostname,
        port,
        open: options.open ?? false,
        restToken: databaseKind(config) === "embedded" ? token : undefined,
        snapshot: own && (() => own.snapshot(config.minFreeBytes)),
        onListen: (real) => {
          listening(real);
          announced = announce(config, context.terminal, options, urlOf(hostname, real)).then((remove) => {
            removeRecord = remove;
          });
        },
      });
      let announced: Promise<void> | undefined;
      try {
        await runServices([serving, jobs.service, ...own ? [autovacuum(own, systemClock)] : []], stop.signal);
      } finally {
        stopListening();
        await announced;
        await removeRecord?.();
      }
    });
  });
}

/** The line that says that requests are answered from now on. */
async function announce(
  config: Config,
  terminal: Terminal,
  options: ServerOptions,
  url: string,
): Promise<() => Promise<void>> {
  const remove = await writeServerRecord(config.home, url);
  terminal.out(options.json ? JSON.stringify({ url, pid: Deno.pid }) : `jobs server listens on ${url}`);
  return remove;
}

function urlOf(hostname: string, port: number): string {
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname === "::" ? "::1" : hostname;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function withLogging(
  { config }: LoadedConfig,
  work: (addSecrets: (...secrets: string[]) => void) => Promise<void>,
): Promise<void> {
  const secrets = secretsOf(config);
  const logging = setUpLogging({ level: config.logLevel, format: config.logFormat, secrets: () => secrets });
  try {
    await work(logging.addSecrets);
  } finally {
    await logging.dispose();
  }
}

/**
 * Opens the configured database for a server. The embedded one is this process's alone: it takes the home folder as a
 * worker does, so that commands find the database behind the server's port.
 */
async function withOwnDatabase(
  config: Config,
  work: (
    opened: { database: Database; own?: EmbeddedDatabase },
    listening: (port: number) => void,
  ) => Promise<void>,
): Promise<void> {
  const embedded = databaseKind(config) === "embedded";
  const claim = embedded ? await claimHome(config.home) : undefined;
  try {
    if (embedded) await prepareDatabase(homePaths(config.home).db);
    const identity = await processIdentity(Deno.pid) ?? "";
    const replaced = await programMark();
    const own = embedded ? await openOwnDatabase(config) : undefined;
    const database = own ?? await openDatabase(config);
    try {
      await work({ database, own }, (port) =>
        claim?.update({
          pid: Deno.pid,
          identity,
          startedAt: new Date().toISOString(),
          version: VERSION,
          workerId: config.workerId,
          controlPort: port,
        }));
    } finally {
      await (own
        ? closeWithBackup(own, backupPolicy(config), { upgrading: await replaced() })
        : database.close());
    }
  } finally {
    await claim?.release();
  }
}

/** For commands: through the worker or server that has the embedded database open, or by opening it here. */
async function withAnyDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  if (databaseKind(config) !== "embedded" || await findDaemon(config.home)) return withDatabase(config, work);
  await ensurePrivateDir(config.home);
  const database = await openDatabase(config);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function create(context: CliContext, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  if ((options.worker === undefined) === !options.submit) {
    throw new ExitError(EXIT.usage, "give --worker <id> or --submit, one of them");
  }
  if (options.worker !== undefined && !workerId.safeParse(options.worker).success) {
    throw new ExitError(EXIT.usage, "--worker must be 1 to 128 letters, digits, dots, dashes or underscores");
  }
  const { config } = await readConfig(context, options);
  const made = await withAnyDatabase(
    config,
    (database) => createToken(database, { workerId: options.worker, name: options.name }),
  );
  if (options.json) return terminal.out(JSON.stringify(made));
  terminal.out(made.secret);
  terminal.err(
    `${purpose(made)}, id ${made.id}; it is not shown again. Give it to the client as JOBS_TOKEN.`,
  );
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const rows = await withAnyDatabase(config, listTokens);
  if (options.json) return terminal.out(JSON.stringify(rows));
  if (rows.length === 0) return terminal.err("no tokens; only the home folder's own token is accepted");
  const cells = rows.map((row) => [
    row.id,
    purpose(row),
    printable(row.name ?? ""),
    row.created_at,
    row.revoked_at ? `revoked ${row.revoked_at}` : row.last_used_at ?? "never used",
  ]);
  for (const line of table(["ID", "FOR", "NAME", "CREATED", "LAST USED"], cells)) terminal.out(line);
}

async function revoke(context: CliContext, id: string, options: GlobalOptions): Promise<void> {
  if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)) {
    throw new ExitError(EXIT.usage, `"${id}" is not a token's id (see \`actp-worker server tokens list\`)`);
  }
  const { config } = await readConfig(context, options);
  const row = await withAnyDatabase(config, (database) => revokeToken(database, id));
  context.terminal.out(options.json ? JSON.stringify(row) : `the token ${purpose(row)} is revoked`);
}

function purpose({ role, worker_id }: TokenRow): string {
  return role === "worker" ? `of worker ${worker_id}` : "for submitting";
}
