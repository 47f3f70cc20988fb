/** The command line as a table: what completions and the man page are made from. Pure. */
import type { Command, Option } from "commander";

/** One option of a command. */
export interface TableOption {
  /** `--name`. */
  readonly long: string;
  /** `-n`. */
  readonly short?: string;
  /** As help shows it, e.g. `--input <json>`. */
  readonly flags: string;
  /** A value follows. */
  readonly takesValue: boolean;
  readonly description: string;
}

/** One command that people may give. */
export interface TableCommand {
  /** Its words, e.g. `["tasks", "list"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  /** As help shows it, without the program's name, e.g. `tasks show [options] <id>`. */
  readonly usage: string;
  readonly options: readonly TableOption[];
  /** The next words. */
  readonly commands: readonly string[];
  /** Words of its own follow, such as an id. */
  readonly takesArguments: boolean;
}

/** Every command that is not hidden, each before its own commands; the program itself first. */
export function commandTable(program: Command): TableCommand[] {
  return rows(program, []);
}

function rows(command: Command, path: readonly string[]): TableCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const row: TableCommand = {
    path,
    description: command.description(),
    usage: [...path, command.usage()].join(" ").trim(),
    options: help.visibleOptions(command).flatMap(tableOption),
    commands: children.map((child) => child.name()),
    takesArguments: command.registeredArguments.length > 0,
  };
  return [row, ...children.flatMap((child) => rows(child, [...path, child.name()]))];
}

function tableOption({ long, short, flags, description, required, optional }: Option): TableOption[] {
  if (!long) return [];
  return [{ long, short: short ?? undefined, flags, takesValue: required || optional, description }];
}
