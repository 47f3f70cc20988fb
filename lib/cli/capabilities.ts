/** `capabilities`: what this machine can do. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { Capabilities } from "../queue/capabilities.ts";
import { type Machine, readMachine, systemInfo } from "../system_info.ts";
import { toldException } from "../task/exception.ts";
import type { Availability } from "../task/task.ts";
import { type CliContext, type GlobalOptions, readConfig } from "./context.ts";
import { paint, printable, table } from "./terminal.ts";

/** Adds the command. */
export function addCapabilities(program: Command, context: CliContext): void {
  program.command("capabilities")
    .description("which task types this machine can do, and why not the others")
    .action(async (_options, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config } = await readConfig(context, globals);
      const { executors, problems } = await context.executors(config);
      const capabilities = new Capabilities(executors, systemClock);
      const [machine] = await Promise.all([readMachine(), capabilities.detect()]);
      const { terminal } = context;
      const found = capabilities.all();
      if (globals.json) {
        const { executors: _, ...info } = systemInfo(machine, found, config);
        const shown = found.map(({ executor, availability }) => ({
          type: executor.type,
          description: executor.description,
          ...availability,
        }));
        return terminal.out(JSON.stringify({ system_info: info, executors: shown, problems }));
      }
      const mark = (good: boolean) => good ? paint(terminal, "green", "✓") : paint(terminal, "red", "✗");
      const rows = found.map(({ executor, availability: one }) => [
        mark(one.available),
        executor.type,
        printable(one.available ? toldAvailable(one) : `${one.reason}: ${one.fix}`),
      ]);
      terminal.out(machineLine(machine));
      for (const line of table(["", "TYPE", "VERSION, OR WHY NOT"], rows)) terminal.out(line);
      for (const { file, reason } of problems) terminal.out(`${mark(false)}  ${file}: ${printable(reason)}`);
    });
}

function toldAvailable({ version = "", except }: Availability & { readonly available: true }): string {
  return [version, except && toldException(except)].filter(Boolean).join("; ");
}

/** The machine in one line, for people. */
export function machineLine({ os, arch, cpuCores, memoryGb, hasSafari }: Machine): string {
  return `${os}, ${arch}, ${cpuCores} cores, ${memoryGb} GB${hasSafari ? ", Safari" : ""}`;
}
