/** `completions`, `version` and `self-check`. */
import { Argument, type Command } from "commander";
import { selfCommand } from "../daemon/self.ts";
import { fileSum, sumFor } from "../release/sums.ts";
import { VERSION } from "../version.ts";
import { commandTable } from "./command_table.ts";
import { completionScript, type Shell, SHELLS } from "./completion_scripts.ts";
import type { CliContext, GlobalOptions } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/** Adds the commands. */
export function addProgramCommands(program: Command, context: CliContext): void {
  const { terminal } = context;
  program.command("completions")
    .description("print completions for a shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", "\nExample:\n  $ source <(actp-worker completions bash)")
    .action((shell: Shell) => terminal.out(completionScript(shell, commandTable(program)).trimEnd()));

  program.command("version")
    .description("the version, and with --json what it was built with")
    .action((_options, command: Command) => {
      const { json } = command.optsWithGlobals<GlobalOptions>();
      terminal.out(json ? JSON.stringify(versionInfo()) : VERSION);
    });

  program.command("self-check")
    .description("compare this program with the sum that was published for it")
    .argument("<sums>", "the release's SHA256SUMS file, or the sum itself")
    .action((sums: string, _options, command: Command) =>
      selfCheck(context, sums, command.optsWithGlobals())
    );
}

function versionInfo() {
  return {
    version: VERSION,
    target: Deno.build.target,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    typescript: Deno.version.typescript,
    compiled: Deno.build.standalone,
  };
}

async function selfCheck(
  { terminal, cwd }: CliContext,
  sums: string,
  { json }: GlobalOptions,
): Promise<void> {
  const { program, args } = selfCommand([]);
  if (args.length > 0) {
    throw new ExitError(EXIT.usage, "It runs from source, which is no download; git fsck checks that.");
  }
  const expected = await sumFor(sums, cwd, Deno.build);
  const sum = await fileSum(program);
  if (json) terminal.out(JSON.stringify({ program, sum, expected, matches: sum === expected }));
  if (sum !== expected) {
    throw new ExitError(
      EXIT.failed,
      `${program} is not what was published: its sha256 is ${sum}, not ${expected}; download it again.`,
    );
  }
  if (!json) terminal.out(`${program} is as published (sha256 ${sum})`);
}
