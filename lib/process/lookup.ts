/** Finding programs and giving them an environment that holds nothing but what programs need. */
import { delimiter, isAbsolute, join } from "node:path";

/** Where programs are on Macs and Linux machines even if a service manager's PATH does not say so. */
const EXTRA_DIRS = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const PASSED_ON = ["HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "SHELL"];

/** PATH with the usual folders added at its end. */
export function searchPath(path = Deno.env.get("PATH") ?? ""): string {
  return [...new Set([...path.split(delimiter).filter(isAbsolute), ...EXTRA_DIRS])].join(delimiter);
}

/** What every program is given: PATH, HOME, locale, time zone, temp folder; none of the worker's own settings. */
export function baseEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { PATH: searchPath() };
  for (const name of PASSED_ON) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** The absolute path of an executable file: `name` itself if it holds a slash, else the first on the path. */
export async function findProgram(name: string, path?: string): Promise<string | undefined> {
  const candidates = name.includes("/")
    ? [name]
    : searchPath(path).split(delimiter).map((dir) => join(dir, name));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    const info = await Deno.stat(path);
    return info.isFile && ((info.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false; // absent or unreadable: for a search the same
  }
}
