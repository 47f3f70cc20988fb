/** Which file is copied to the stable place, and how the service starts it. Pure. */
import { basename, dirname, join } from "node:path";
import type { SelfCommand } from "../daemon/self.ts";

/** The program of a service. */
export interface InstalledProgram {
  /** The file to copy. */
  readonly from: string;
  /** Where to. */
  readonly to: string;
  /** Program and arguments, with the copy as the program. */
  readonly command: readonly string[];
  /** The source folder that it runs from, where it is not one file. */
  readonly source?: string;
}

/**
 * The compiled or self-extracting program is one file and copied whole. Run from source, the Deno program is copied
 * (npm's cache, where it may lie, is emptied now and then), and the source stays where it is.
 */
export function installedProgram(self: SelfCommand, programFolder: string): InstalledProgram {
  const main = self.args.find((arg) => /\.[jt]s$/.test(arg));
  const to = join(programFolder, main === undefined ? "actp-worker" : basename(self.program));
  return {
    from: self.program,
    to,
    command: [to, ...self.args],
    source: main === undefined ? undefined : dirname(main),
  };
}
