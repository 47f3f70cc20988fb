/** Prints the man page, made from the command table: `deno run -P scripts/man_page.ts > actp-worker.1`. */
import { commandTable, type TableCommand } from "../lib/cli/command_table.ts";
import { buildProgram } from "../lib/cli/program.ts";
import { processTerminal } from "../lib/cli/terminal.ts";
import { VERSION } from "../lib/version.ts";

/** The page in roff's man macros: man(7). `table`: the program itself first. Pure. */
export function manPage([program, ...commands]: readonly TableCommand[], version: string): string {
  return [
    `.TH ACTP-WORKER 1 "" "actp-worker ${roff(version)}" "User Commands"`,
    ".SH NAME",
    `actp\\-worker \\- ${roff(lowerFirst(program!.description))}`,
    ".SH SYNOPSIS",
    ".B actp\\-worker",
    ".RI [ options ]",
    ".I command",
    ".RI [ arguments ]",
    ".SH COMMANDS",
    ...commands.filter(({ commands }) => commands.length === 0).flatMap(commandLines),
    ".SH OPTIONS",
    "Every command takes these; the settings among them win over the environment and the configuration files.",
    ...optionLines(program!),
    ".SH EXIT STATUS",
    ...EXIT_STATUS.flatMap(([code, meaning]) => [".TP", `.B ${code}`, meaning]),
    ".SH FILES",
    ...FILES.flatMap(([path, meaning]) => [".TP", `.I ${roff(path)}`, roff(meaning)]),
    "",
  ].join("\n");
}

const EXIT_STATUS = [
  [0, "ok"],
  [1, "failed"],
  [2, "wrong usage"],
  [3, "the worker is not running"],
  [4, "the doctor found a problem"],
  [69, "something that it depends on is down"],
  [75, "the worker is already running"],
  [78, "bad configuration"],
] as const;

const FILES = [
  ["~/.actp-worker/config.json", "settings"],
  ["~/.actp-worker/.env", "settings by the names of their variables, secrets among them (0600)"],
  ["~/.actp-worker/token", "the key of the control API (0600)"],
] as const;

function commandLines({ usage, description, options: all }: TableCommand): string[] {
  const options = all.filter(({ long }) => long !== "--help"); // every command has it
  const nested = options.length === 0 ? [] : [".RS", ...optionLines({ options }), ".RE"];
  return [".TP", `.B ${roff(usage)}`, roff(description), ...nested];
}

function optionLines({ options }: Pick<TableCommand, "options">): string[] {
  return options.flatMap(({ flags, description }) => [".TP", `.B ${roff(flags)}`, roff(description)]);
}

/** Backslashes and hyphens mean themselves, and no line begins a request. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/, "\\&$1").replace(
    /\s*\n\s*/g,
    " ",
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

if (import.meta.main) {
  const terminal = processTerminal();
  const context = {
    terminal,
    env: {},
    cwd: Deno.cwd(),
    executors: () => Promise.resolve({ executors: [], problems: [] }),
    builtInTypes: [],
  };
  terminal.out(manPage(commandTable(buildProgram(context, Deno.exit)), VERSION).trimEnd());
}
