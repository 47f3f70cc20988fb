/** What every command is given, and how it reaches the configuration and the database. */
import { resolve } from "node:path";
import { type Config, databaseKind, loadConfig, type LoadedConfig, type LoadOptions } from "../config.ts";
import type { AgentDefinition } from "../agent/agent.ts";
import type { Database } from "../database/database.ts";
import { openDatabase } from "../database/open.ts";
import { type DaemonRecord, findDaemon } from "../daemon/pid_file.ts";
import { homePaths } from "../paths.ts";
import type { LoadedActions } from "../schedule/actions/loaded.ts";
import type { RoutineAgent } from "../schedule/agent_routines.ts";
import type { LoadedExecutors } from "../task/loaded.ts";
import { EXIT, ExitError } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** Makes the executors that this program ships with and loads the owner's own, as the configuration asks. */
export type ExecutorFactory = (config: Config) => Promise<LoadedExecutors>;

/** The surroundings of one command. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly executors: ExecutorFactory;
  /** Task types that declared commands must not take. */
  readonly builtInTypes: readonly string[];
  /** Loads the agents that this program ships with; none unless told. */
  readonly agents?: () => Promise<readonly (AgentDefinition & Partial<RoutineAgent>)[]>;
  /** Loads the heartbeat actions: those that this program ships with, and the owner's own; none unless told. */
  readonly actions?: (config: Config) => Promise<LoadedActions>;
}

/** The options that every command knows, as commander gives them. */
export interface GlobalOptions extends Record<string, unknown> {
  readonly json?: boolean;
  /** The same as `--log-level debug`. */
  readonly debug?: boolean;
}

/** Loads the configuration; `check`: what else must be true for this command. @throws ConfigError */
export function loadForCommand(
  context: CliContext,
  options: GlobalOptions,
  check?: LoadOptions["check"],
): Promise<LoadedConfig> {
  const { env, cwd, builtInTypes } = context;
  const flags = options.debug && options.logLevel === undefined ? { ...options, logLevel: "debug" } : options;
  return loadConfig({ flags, env, cwd, reservedTypes: builtInTypes, check });
}

/** Loads the configuration and tells its warnings. @throws ConfigError */
export async function readConfig(
  context: CliContext,
  options: GlobalOptions,
  check?: LoadOptions["check"],
): Promise<LoadedConfig> {
  const loaded = await loadForCommand(context, options, check);
  for (const warning of loaded.warnings) context.terminal.err(`warning: ${warning}`);
  return loaded;
}

/**
 * Opens the database for a command. The embedded one lives in the daemon: it is reached through the daemon's own
 * rpc endpoint, with the token of the home folder.
 * @throws ExitError 3 where that daemon does not run
 */
export async function connect(config: Config): Promise<Database> {
  if (databaseKind(config) !== "embedded") return openDatabase(config);
  const daemon = await requireDaemon(config);
  const { openSupabase } = await import("../database/supabase.ts");
  return openSupabase({
    name: "the worker",
    url: `http://${hostOf(config)}:${daemon.controlPort}`,
    fetch: daemonFetch(daemon),
    key: await readToken(config),
    keySetting: homePaths(config.home).token,
    realtime: false,
  });
}

/** Runs `work` with the database and closes it afterwards. */
export async function withDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await connect(config);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** The daemon of the home folder. @throws ExitError 3 */
export async function requireDaemon(config: Config): Promise<DaemonRecord & { controlPort: number }> {
  const daemon = await findDaemon(config.home);
  if (daemon?.controlPort === undefined) {
    throw new ExitError(
      EXIT.notRunning,
      `The worker of ${config.home} is not running. Start it with \`actp-worker start\`.`,
    );
  }
  return { ...daemon, controlPort: daemon.controlPort };
}

/** Asks the daemon's control API. @throws ExitError where it does not answer or refuses */
export async function askDaemon<T>(
  config: Config,
  method: string,
  path: string,
  { body, timeoutMs = 5000 }: { readonly body?: unknown; readonly timeoutMs?: number } = {},
): Promise<T> {
  const response = await requestDaemon(config, method, path, {
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new ExitError(
      EXIT.failed,
      `The worker answered ${response.status}: ${answer?.error?.message ?? "no reason given"}`,
    );
  }
  return answer as T;
}

/** Sends a request to the daemon's control API, whatever its answer is. @throws ExitError where there is none */
export async function requestDaemon(
  config: Config,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const { body, signal } = options;
  const daemon = await requireDaemon(config);
  const token = await readToken(config);
  try {
    return await daemonFetch(daemon)(`http://${hostOf(config)}:${daemon.controlPort}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...body === undefined ? {} : { "content-type": "application/json" },
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw new ExitError(
      EXIT.unavailable,
      `The worker (pid ${daemon.pid}) does not answer: ${(error as Error).message}`,
    );
  }
}

/**
 * Reaches the daemon over loopback, and where that leads nowhere (another network namespace, say) by its socket. A
 * connection that was refused has sent nothing, so the same request may go the other way.
 */
export function daemonFetch({ controlSocket }: DaemonRecord): typeof fetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      const { message, cause } = error as Error;
      const why = `${message} ${cause instanceof Error ? cause.message : ""}`;
      const refused = controlSocket !== undefined && /\(Connect\)|refused|blocked/.test(why);
      if (!refused || init?.signal?.aborted) throw error;
      return await fetchBySocket(controlSocket, input, init);
    }
  };
}

async function fetchBySocket(path: string, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const { pathname, search } = new URL(input instanceof Request ? input.url : input);
  const response = await fetch(`http://localhost${pathname}${search}`, { ...init, client });
  const bodiless = response.status === 204 || response.status === 304;
  return new Response(bodiless ? null : await response.arrayBuffer(), response);
}

/** The address part of URLs to the daemon's servers. */
export function hostOf(config: Config): string {
  return config.controlHost.includes(":") ? `[${config.controlHost}]` : config.controlHost;
}

/** Reads an argument given as JSON, as `@file`, or as `-` for standard input. @throws ExitError 2 naming the option */
export async function readJsonArgument(context: CliContext, option: string, value: string): Promise<unknown> {
  let text = value;
  try {
    if (value === "-") text = await new Response(Deno.stdin.readable).text();
    else if (value.startsWith("@")) text = await Deno.readTextFile(resolve(context.cwd, value.slice(1)));
    return JSON.parse(text);
  } catch (error) {
    throw new ExitError(
      EXIT.usage,
      `${option} is not valid JSON (or @file, or -): ${(error as Error).message}`,
    );
  }
}

async function readToken(config: Config): Promise<string> {
  const path = homePaths(config.home).token;
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new ExitError(EXIT.failed, `Cannot read the worker's token ${path}: ${(error as Error).message}`);
  }
}
