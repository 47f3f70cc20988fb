/** Where the log of a home folder is to be read: in its files, or in systemd's journal. */
import { join } from "node:path";
import { homePaths } from "../paths.ts";
import { writePrivateFile } from "./private_file.ts";
import type { ServiceUnit } from "./service_unit.ts";

/** What the runtime itself prints in the background: errors before the log, and its own last words. */
export function errorFile(home: string): string {
  return join(homePaths(home).logs, "worker.err");
}

/** Remembers for `logs` whether the journal has what this run logs; it is asked after the run has ended, too. */
export async function rememberLogSource(home: string, journal: ServiceUnit | undefined): Promise<void> {
  if (journal) writePrivateFile(pathOf(home), JSON.stringify(journal) + "\n");
  else await Deno.remove(pathOf(home)).catch(() => {}); // there was none
}

/** The unit in whose journal the last run has logged; undefined where it logged to files. */
export async function journalUnit(home: string): Promise<ServiceUnit | undefined> {
  try {
    const unit = JSON.parse(await Deno.readTextFile(pathOf(home)));
    return typeof unit?.name === "string" && unit.manager === "systemd" ? unit : undefined;
  } catch {
    return undefined; // never ran under systemd
  }
}

/** What is asked of the journal. */
export interface JournalQuery {
  /** The newest so many lines; all unless told. */
  readonly last?: number;
  /** ms since the epoch. */
  readonly since?: number;
  readonly follow?: boolean;
  /** Of this process only. */
  readonly pid?: number;
}

/** The arguments of journalctl(1) for the lines as the program has written them. Pure. */
export function journalArguments({ name, ofUser }: ServiceUnit, query: JournalQuery): string[] {
  const { last, since, follow, pid } = query;
  return [
    ...ofUser ? ["--user"] : [],
    "--quiet",
    "--no-pager",
    "--output=cat",
    `--unit=${name}`,
    ...since === undefined ? [] : [`--since=@${Math.floor(since / 1000)}`],
    // Following begins ten lines back unless told otherwise.
    ...last === undefined ? (follow ? ["--no-tail"] : []) : [`--lines=${last}`],
    ...follow ? ["--follow"] : [],
    ...pid === undefined ? [] : [`_PID=${pid}`],
  ];
}

function pathOf(home: string): string {
  return join(home, "journal_unit.json");
}
