/** `install-service`, `uninstall-service`, and what launchd runs. */
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Config, ConfigError } from "../config.ts";
import { parseEnvFile } from "../config/files.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { selfCommand } from "../daemon/self.ts";
import type { FoundService } from "../doctor/service.ts";
import { SERVICE_USER } from "../service_install/account.ts";
import { settingsToKeep, variablesToKeep } from "../service_install/carried_over.ts";
import { type Caller, callerFor, callText } from "../service_install/command.ts";
import { parseSystemdEnvironment } from "../service_install/environment_file.ts";
import { describeInstall, install, type Installation } from "../service_install/install.ts";
import { installedService } from "../service_install/installed.ts";
import { type Layout, layoutOf, type Scope, SYSTEM_HOME } from "../service_install/layout.ts";
import { launchd } from "../service_install/launchd.ts";
import type { ServiceManager } from "../service_install/manager.ts";
import { installedProgram } from "../service_install/program_place.ts";
import { type Readiness, waitUntilReady } from "../service_install/readiness.ts";
import { servicePath } from "../service_install/search_path.ts";
import { systemd } from "../service_install/systemd.ts";
import { describeRemoval, uninstall } from "../service_install/uninstall.ts";
import { type CliContext, type GlobalOptions, hostOf, readConfig } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/** Beyond the drain: for programs that must be killed, and for the last reports. */
const STOP_MARGIN_SECONDS = 40;

interface InstallOptions {
  readonly system?: boolean;
  readonly serviceUser?: string;
  readonly print?: boolean;
  readonly dryRun?: boolean;
}

interface UninstallOptions {
  readonly system?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

/** Adds the commands. */
export function addInstallService(program: Command, context: CliContext): void {
  program.command("install-service")
    .description("have the worker started and watched over by systemd or launchd; again as an upgrade")
    .option("--system", "for the machine instead of for yourself (Linux, as root)")
    .option(
      "--service-user <name>",
      `the account it runs as, with --system; made where it is missing (default: ${SERVICE_USER})`,
    )
    .option("--print", "only print the service definition")
    .option("--dry-run", "only tell what would be done")
    .addHelpText(
      "after",
      `
What flags and variables set now is kept for the service, in ~/.actp-worker/.env (0600).
Examples:
  $ DATABASE_URL=postgres://… actp-worker install-service
  $ sudo actp-worker install-service --system --service-user render`,
    )
    .action((options: InstallOptions, command: Command) =>
      installService(context, options, command.optsWithGlobals())
    );
  program.command("uninstall-service")
    .description("stop the service and take away what install-service has made")
    .option("--system", "the machine's service")
    .option("--purge", "also the home folder with everything in it: settings, database, files of tasks")
    .option("--dry-run", "only tell what would be done")
    .action((options: UninstallOptions, command: Command) =>
      uninstallService(context, options, command.optsWithGlobals())
    );
  // launchd restarts whatever does not end with 0, and knows no environment file.
  program.command("service-run", { hidden: true }).action((_options, command: Command) =>
    serviceRun(program, context, command.optsWithGlobals())
  );
}

/** Where a service of this scope lies, and its manager. @throws ExitError where there can be none */
export function serviceHere(context: CliContext, scope: Scope, home: string, call: Caller) {
  const { os } = Deno.build;
  if (os !== "linux" && os !== "darwin") {
    throw new ExitError(
      EXIT.failed,
      `There is no service to install on ${os}; \`actp-worker start\` runs the worker.`,
    );
  }
  const layout = layoutOf({
    os,
    scope,
    home,
    userHome: userHomeOf(context),
    configHome: context.env.XDG_CONFIG_HOME || undefined,
  });
  const manager: ServiceManager = os === "linux" ? systemd(scope, call) : launchd(call, {
    uid: Deno.uid() ?? 0,
    definition: layout.definition,
    log: layout.log,
  });
  return { os, layout, manager } as const;
}

/** The installed service that uses this home folder, the machine's first; undefined for none. */
export async function findService(
  context: CliContext,
  { home }: Pick<Config, "home">,
  call: Caller,
): Promise<FoundService | undefined> {
  const { os } = Deno.build;
  if (os !== "linux" && os !== "darwin") return undefined;
  for (const scope of os === "linux" ? ["system", "user"] as const : ["user"] as const) {
    const { layout, manager } = serviceHere(context, scope, home, call);
    const installed = await installedService(layout.definition);
    if (installed?.home === home) return { manager, installed, user: installed.user ?? userOf(context) };
  }
}

async function installService(
  context: CliContext,
  options: InstallOptions,
  globals: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  const scope = scopeOf(context, options);
  if (options.serviceUser !== undefined && scope === "user") {
    throw new ExitError(EXIT.usage, "--service-user goes with --system: your own service runs as you.");
  }
  const call = callerFor(context.env);
  const home = await homeFor(context, scope, globals, call);
  const loaded = await readConfig(context, { ...globals, home });
  const { config } = loaded;
  const { os, layout, manager } = serviceHere(context, scope, config.home, call);
  const program = installedProgram(
    selfCommand([os === "darwin" ? "service-run" : "start"]),
    layout.programFolder,
  );
  if (program.source !== undefined && scope === "system") {
    throw new ExitError(
      EXIT.usage,
      "A machine's service needs the program as one file: make it with `deno task compile`, and install with that.",
    );
  }
  const user = scope === "system"
    ? options.serviceUser ?? (await installedService(layout.definition))?.user ?? SERVICE_USER
    : userOf(context);
  const installation: Installation = {
    program,
    plan: {
      layout,
      user: accountName(user),
      command: os === "darwin" ? program.command : [...program.command, "--foreground"],
      environment: environmentOf(context, scope, os, layout, program.source !== undefined),
      writableFolders: [config.outputDir, config.downloadDir],
      stopSeconds: config.drainSeconds + STOP_MARGIN_SECONDS,
    },
    settings: settingsToKeep(loaded, {
      flags: globals,
      env: context.env,
      envFile: await envFileHere(context, config),
    }),
    variables: variablesToKeep(loaded, context.env),
  };
  if (options.print) {
    await manager.check().catch(() => {}); // only for its version: the definition can be shown without it
    return terminal.out(manager.definition(installation.plan).trimEnd());
  }
  await manager.check();
  await refuseForeignWorker(config, manager);
  if (options.dryRun) {
    for (const line of await describeInstall(installation, manager, call)) terminal.out(line);
    return;
  }
  terminal.status("installing …");
  const { unchanged } = await upOrWhy(() => install(installation, manager, call), manager);
  const readiness = await waitUntilReady(config.home, hostOf(config), systemClock);
  terminal.endStatus();
  await tell(context, globals, { unchanged, readiness, manager, layout, user, program: program.to });
}

async function tell(
  { terminal }: CliContext,
  globals: GlobalOptions,
  { unchanged, readiness, manager, layout, user, program }: {
    unchanged: boolean;
    readiness: Readiness;
    manager: ServiceManager;
    layout: Layout;
    user: string;
    program: string;
  },
): Promise<void> {
  const state = await manager.state();
  const linger = await manager.lingering(user);
  if (globals.json) {
    terminal.out(JSON.stringify({
      unchanged,
      service: state,
      ready: readiness.ready,
      reasons: readiness.reasons,
      definition: layout.definition,
      program,
      home: layout.home,
      lingers: linger?.lingers,
    }));
  } else {
    const what = unchanged ? "is up to date" : "is installed";
    terminal.out(`the service ${what} and ${state.detail}${state.pid ? `, pid ${state.pid}` : ""}`);
    terminal.out(`definition: ${layout.definition}`);
    terminal.out(`program:    ${program}`);
    terminal.out(`home:       ${layout.home}`);
    terminal.out(`log:        ${callText(manager.logCommand)}`);
  }
  if (linger && linger.lingers !== true) {
    const doubt = linger.lingers === undefined ? "may stop" : "stops";
    terminal.err(`warning: it ${doubt} when you log out, and starts only when you log in: run ${linger.fix}`);
  }
  if (readiness.ready) return;
  const reasons = readiness.reasons.join("; ") || (await manager.recentLog()).join("\n");
  throw new ExitError(EXIT.unavailable, `The service is installed, but takes no work yet: ${reasons}`);
}

async function uninstallService(
  context: CliContext,
  options: UninstallOptions,
  globals: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  const scope = scopeOf(context, options);
  const call = callerFor(context.env);
  const home = await homeFor(context, scope, globals, call);
  const { layout, manager } = serviceHere(context, scope, home, call);
  await manager.check();
  const installed = await installedService(layout.definition);
  const removal = { layout, installed, purge: options.purge ?? false, userHome: userHomeOf(context) };
  if (options.dryRun) {
    for (const line of await describeRemoval(removal, manager, call)) terminal.out(line);
    return;
  }
  const removed = await uninstall(removal, manager, call);
  if (globals.json) {
    return terminal.out(JSON.stringify({ removed, home: layout.home, purged: removal.purge }));
  }
  terminal.out(removed ? "the service is gone" : "there was no service");
  if (!removal.purge && removed) {
    terminal.out(`${layout.home} stays, with the worker's state (--purge removes it)`);
  }
}

async function serviceRun(program: Command, context: CliContext, globals: GlobalOptions): Promise<void> {
  try {
    const { config } = await readConfig(context, globals);
    const text = await Deno.readTextFile(join(config.home, "service.env")).catch(() => ""); // as `-` in EnvironmentFile
    for (const [name, value] of Object.entries(parseSystemdEnvironment(text))) {
      if (Deno.env.get(name) === undefined) Deno.env.set(name, value);
    }
    await program.parseAsync(["start", "--foreground"], { from: "user" });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    context.terminal.err(`${error.message}\nCorrect it and run \`actp-worker install-service\` again.`);
  }
}

/** Told, installed before, or usual. */
async function homeFor(
  context: CliContext,
  scope: Scope,
  globals: GlobalOptions,
  call: Caller,
): Promise<string> {
  const told = typeof globals.home === "string" ? globals.home : context.env.ACTP_HOME;
  const usual = scope === "system" ? SYSTEM_HOME : join(userHomeOf(context), ".actp-worker");
  if (told?.trim()) return resolve(context.cwd, told.trim());
  const { layout } = serviceHere(context, scope, usual, call);
  return (await installedService(layout.definition))?.home ?? usual;
}

function scopeOf({ env }: CliContext, { system }: { readonly system?: boolean }): Scope {
  if (system && Deno.build.os !== "linux") {
    throw new ExitError(
      EXIT.usage,
      "--system is for Linux: on a Mac the worker needs the session of a person, since Safari is nowhere else.",
    );
  }
  if (system && Deno.uid() !== 0) throw new ExitError(EXIT.usage, "--system needs root: run it with sudo.");
  if (!system && Deno.uid() === 0 && env.SUDO_USER) {
    throw new ExitError(
      EXIT.usage,
      "Run it without sudo for a service of your own, or with --system for the machine's.",
    );
  }
  return system ? "system" : "user";
}

function environmentOf(
  { env }: CliContext,
  scope: Scope,
  os: "linux" | "darwin",
  layout: Layout,
  fromSource: boolean,
): Record<string, string> {
  const userHome = env.HOME ?? layout.home;
  return {
    ACTP_HOME: layout.home,
    PATH: servicePath({ os, scope, userHome, shellPath: env.PATH ?? "" }),
    HOME: layout.cache ? layout.home : userHome,
    ...layout.cache ? { XDG_CACHE_HOME: layout.cache } : {},
    ...fromSource && env.DENO_DIR ? { DENO_DIR: env.DENO_DIR } : {},
  };
}

async function envFileHere({ cwd }: CliContext, { home }: Config): Promise<Record<string, string>> {
  if (cwd === home) return {};
  try {
    return parseEnvFile(await Deno.readTextFile(join(cwd, ".env")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return {};
    throw error;
  }
}

/** Two workers in one home folder end each other's service: exit 75 over and over. */
async function refuseForeignWorker(config: Config, manager: ServiceManager): Promise<void> {
  const daemon = await findDaemon(config.home);
  if (!daemon || daemon.pid === (await manager.state()).pid) return;
  throw new ExitError(
    EXIT.alreadyRunning,
    `A worker that is not this service runs in ${config.home} (pid ${daemon.pid}). Stop it first: actp-worker stop`,
  );
}

async function upOrWhy<T>(work: () => Promise<T>, manager: ServiceManager): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const log = await manager.recentLog().catch(() => []); // what went wrong before matters more
    const tail = log.length > 0 ? `\nThe end of its log:\n${log.join("\n")}` : "";
    throw new ExitError(EXIT.failed, `${(error as Error).message}${tail}`, { cause: error });
  }
}

function accountName(name: string): string {
  if (/^[a-z_][a-z0-9_-]{0,31}\$?$/i.test(name)) return name;
  throw new ExitError(EXIT.usage, `--service-user ${name} is no account's name.`);
}

function userHomeOf({ env }: CliContext): string {
  if (env.HOME) return env.HOME;
  throw new ExitError(EXIT.usage, "HOME is not set, so there is no place for a service of yours; set it.");
}

function userOf({ env }: CliContext): string {
  return env.USER ?? env.LOGNAME ?? (Deno.uid() === 0 ? "root" : String(Deno.uid()));
}
