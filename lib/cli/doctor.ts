/** `doctor`: is everything as the worker needs it? */
import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Config, ConfigError, databaseKind, type LoadedConfig } from "../config.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { bundleText, lastLogLines } from "../doctor/bundle.ts";
import { type Check, examine, type NamedFinding, ok, repairAll } from "../doctor/check.ts";
import { databaseChecks } from "../doctor/database.ts";
import { diskCheck } from "../doctor/disk.ts";
import { backupCheck, restingDatabaseCheck } from "../doctor/embedded.ts";
import { executorChecks } from "../doctor/executors.ts";
import { secretFilesCheck } from "../doctor/files.ts";
import { homeCheck } from "../doctor/home.ts";
import { keyChecks } from "../doctor/keys.ts";
import { portChecks } from "../doctor/ports.ts";
import { serviceChecks } from "../doctor/service.ts";
import { sleepCheck } from "../doctor/sleep.ts";
import { homePaths } from "../paths.ts";
import { callerFor } from "../service_install/command.ts";
import { readMachine } from "../system_info.ts";
import { machineLine } from "./capabilities.ts";
import { type CliContext, connect, type GlobalOptions, loadForCommand } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { findService } from "./install_service.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

/** Adds the command. */
export function addDoctor(program: Command, context: CliContext): void {
  program.command("doctor")
    .description("look whether everything is as the worker needs it; ends with 4 where something is not")
    .option("--fix", "put right what can be put right without harm, then look again")
    .option("--bundle <file>", "write a report without secrets, for somebody who helps")
    .action(async (options: { fix?: boolean; bundle?: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { terminal } = context;
      let findings = await diagnose(context, globals);
      if (options.fix) {
        const { repaired, failed } = await repairAll(findings);
        for (const name of repaired) terminal.err(`repaired: ${name}`);
        for (const line of failed) terminal.err(`not repaired: ${printable(line)}`);
        if (repaired.length > 0) findings = await diagnose(context, globals);
      }
      if (options.bundle !== undefined) await writeBundle(context, globals, findings, options.bundle);
      const failures = findings.filter(({ status }) => status === "fail").length;
      if (globals.json) terminal.out(JSON.stringify(findings));
      else for (const line of findingLines(terminal, findings)) terminal.out(line);
      if (failures > 0) {
        const count = failures === 1 ? "one check" : `${failures} checks`;
        throw new ExitError(EXIT.foundProblems, `The doctor found problems: ${count} failed.`);
      }
    });
}

async function diagnose(context: CliContext, globals: GlobalOptions): Promise<NamedFinding[]> {
  let loaded: LoadedConfig;
  try {
    loaded = await loadForCommand(context, globals);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ field, source, message, fix }) => ({
      name: "configuration",
      status: "fail",
      detail: `${field} (${source}) ${message}`,
      fix,
    }));
  }
  return [...configFindings(loaded), ...await examine(await checksFor(context, loaded.config), systemClock)];
}

/** @throws ExitError where the file is there already, or cannot be written */
async function writeBundle(
  context: CliContext,
  globals: GlobalOptions,
  findings: readonly NamedFinding[],
  file: string,
): Promise<void> {
  const loaded = await loadForCommand(context, globals).catch(() => undefined); // the findings tell why
  const home = loaded?.config.home;
  const token = home === undefined ? "" : await Deno.readTextFile(homePaths(home).token).catch(() => "");
  const text = bundleText({
    loaded,
    findings,
    machine: await readMachine(),
    now: systemClock.now(),
    log: home === undefined ? [] : await lastLogLines(home),
    secrets: [token.trim()],
  });
  const path = resolve(context.cwd, file);
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Deno.errors.AlreadyExists
      ? "it is there already"
      : (error as Error).message;
    throw new ExitError(EXIT.failed, `Cannot write the report ${path}: ${reason}; name another file`);
  }
  context.terminal.err(`report: ${path} (read it before you send it)`);
}

function configFindings({ warnings }: LoadedConfig): NamedFinding[] {
  if (warnings.length === 0) return [{ name: "configuration", ...ok("no problems") }];
  return warnings.map((detail) => ({ name: "configuration", status: "warn", detail }));
}

async function checksFor(context: CliContext, config: Config): Promise<Check[]> {
  const [daemon, { executors, problems }] = await Promise.all([
    findDaemon(config.home),
    context.executors(config),
  ]);
  const call = callerFor(context.env);
  const embedded = databaseKind(config) === "embedded";
  const ports = [
    {
      name: "control port",
      port: config.controlPort,
      setting: "WORKER_HEALTH_PORT",
      ours: daemon?.controlPort,
    },
    { name: "health port", port: config.healthPort, setting: "WORKER_PROBE_PORT", ours: daemon?.healthPort },
  ];
  return [
    { name: "machine", run: async () => ok(machineLine(await readMachine())) },
    homeCheck(config.home),
    secretFilesCheck(config.home),
    diskCheck([config.home, config.downloadDir, config.outputDir], config.minFreeBytes),
    ...embedded && !daemon
      ? [restingDatabaseCheck(config.home)]
      : databaseChecks(() => connect(config), systemClock),
    ...embedded ? [backupCheck(config, { running: daemon !== undefined, clock: systemClock })] : [],
    ...portChecks(config.controlHost, ports),
    // Without a home folder of the person's there is no place that a service of theirs could be in.
    ...context.env.HOME ? serviceChecks(await findService(context, config, call), programsOf(config)) : [],
    sleepCheck(Deno.build.os, call),
    ...keyChecks(config, agentsEnabled(config)),
    ...executorChecks(executors, problems),
  ];
}

/** Whether the worker runs one of our own agents, which need the model. */
function agentsEnabled(config: Config): boolean {
  const { enableSocialMediaAgent, enableContentAgent, enableAcquisitionAgent, enableRevenueAgent } = config;
  return enableSocialMediaAgent || enableContentAgent || enableAcquisitionAgent || enableRevenueAgent;
}

/** The programs whose place matters to a service: those of declared commands, and the usual tools. */
function programsOf(config: Config): string[] {
  const usual = ["ffmpeg", "ffprobe", "node", "npx", "chromium", "chromedriver", "toil-wdl-runner", "docker"];
  return [...new Set([...config.commands.map(({ program }) => program), ...usual])];
}

const MARKS = { ok: ["green", "✓"], warn: ["yellow", "!"], fail: ["red", "✗"] } as const;

function findingLines(terminal: Terminal, findings: readonly NamedFinding[]): string[] {
  const rows = findings.flatMap(({ name, status, detail, fix }) => {
    const [color, mark] = MARKS[status];
    const found = [paint(terminal, color, mark), name, printable(detail)];
    return fix === undefined ? [found] : [found, ["", "", `→ ${printable(fix)}`]];
  });
  return table(["", "CHECK", "FOUND"], rows);
}
