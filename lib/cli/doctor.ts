/** `doctor`: is everything as the worker needs it? */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { type Config, ConfigError, databaseKind, type LoadedConfig } from "../config.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { type Check, examine, type NamedFinding, ok } from "../doctor/check.ts";
import { databaseChecks } from "../doctor/database.ts";
import { diskCheck } from "../doctor/disk.ts";
import { executorChecks } from "../doctor/executors.ts";
import { homeCheck } from "../doctor/home.ts";
import { portChecks } from "../doctor/ports.ts";
import { readMachine } from "../system_info.ts";
import { machineLine } from "./capabilities.ts";
import { type CliContext, connect, type GlobalOptions, loadForCommand } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

/** Adds the command. */
export function addDoctor(program: Command, context: CliContext): void {
  program.command("doctor")
    .description("look whether everything is as the worker needs it; ends with 4 where something is not")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { terminal } = context;
      const findings = await diagnose(context, globals);
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

function configFindings({ warnings }: LoadedConfig): NamedFinding[] {
  if (warnings.length === 0) return [{ name: "configuration", ...ok("no problems") }];
  return warnings.map((detail) => ({ name: "configuration", status: "warn", detail }));
}

async function checksFor(context: CliContext, config: Config): Promise<Check[]> {
  const [daemon, { executors, problems }] = await Promise.all([
    findDaemon(config.home),
    context.executors(config),
  ]);
  const resting: Check = {
    name: "database",
    run: () => Promise.resolve(ok(`embedded in ${config.home}/db; looked into when the worker runs`)),
  };
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
    diskCheck([config.home, config.downloadDir, config.outputDir], config.minFreeBytes),
    ...databaseKind(config) === "embedded" && !daemon
      ? [resting]
      : databaseChecks(() => connect(config), systemClock),
    ...portChecks(config.controlHost, ports),
    ...executorChecks(executors, problems),
  ];
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
