/** The flags of the first version's agent daemon, which has no commands: turned into today's commands. Pure. */
import { CONFIG_FIELDS } from "../config.ts";

const WITH_VALUE = new Set(CONFIG_FIELDS.flatMap(({ flag }) => flag ? [flag.split(" ")[0]!] : []));

/**
 * `--list-agents`, `--restart-agent ID`, `--dry-run` and `--agents a,b` without a command as the commands that do the
 * same; any other command line as it is.
 */
export function withCommand(args: readonly string[]): string[] {
  if (hasCommand(args)) return [...args];
  if (args.includes("--list-agents")) return ["agents", "list", ...without(args, "--list-agents")];
  const restart = args.findIndex((arg) => arg === "--restart-agent" || arg.startsWith("--restart-agent="));
  if (restart >= 0) {
    const joined = args[restart]!.split("=")[1];
    const rest = args.toSpliced(restart, joined === undefined ? 2 : 1);
    const id = joined ?? args[restart + 1];
    return ["agents", "request-restart", ...(id === undefined ? [] : [id]), ...rest];
  }
  if (args.includes("--dry-run")) return ["start", ...args];
  if (args.some((arg) => arg === "--agents" || arg.startsWith("--agents="))) {
    return ["start", "--foreground", ...args];
  }
  return [...args];
}

/** Whether a word stands where a command stands: neither a flag nor a flag's value. */
function hasCommand(args: readonly string[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "-h" || arg === "--help") return true;
    if (!arg.startsWith("-")) return true;
    if (WITH_VALUE.has(arg) || arg === "--restart-agent") i++;
  }
  return false;
}

function without(args: readonly string[], flag: string): string[] {
  return args.filter((arg) => arg !== flag);
}
