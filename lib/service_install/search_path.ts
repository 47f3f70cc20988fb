/** The PATH of a service: service managers give little more than /usr/bin, where no person's tools are. Pure. */
import { isAbsolute, join } from "node:path";
import type { Scope } from "./layout.ts";

const USUAL = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const HOMEBREW = ["/opt/homebrew/bin", "/opt/homebrew/sbin"];
/** Folders that come and go: those of temporary files and of npm's and Deno's caches. */
const PASSING =
  /^\/(tmp|var\/tmp|private\/tmp|var\/folders|private\/var\/folders)\/|\/_npx\/|\/node_modules\/\.bin$/;

/** What decides a service's PATH. */
export interface PathFacts {
  readonly os: "linux" | "darwin";
  readonly scope: Scope;
  readonly userHome: string;
  /** PATH of the installing shell. */
  readonly shellPath: string;
}

/**
 * A person's service gets the shell's folders that last, then the usual ones. The machine's gets the usual ones only:
 * the folders of whoever installs it are not its own.
 */
export function servicePath({ os, scope, userHome, shellPath }: PathFacts): string {
  const usual = os === "darwin" ? [...HOMEBREW, ...USUAL] : USUAL;
  if (scope === "system") return usual.join(":");
  const own = shellPath.split(":").filter((folder) => isAbsolute(folder) && !PASSING.test(folder));
  return [...new Set([...own, join(userHome, ".local", "bin"), ...usual])].join(":");
}
