/** How this program is started once more: the background daemon, agents and service files all need to know. */
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

/** A program and its arguments, ready for `Deno.Command`. */
export interface SelfCommand {
  readonly program: string;
  readonly args: string[];
}

/** What decides how the program runs; asked from Deno unless given. */
export interface Runtime {
  /** A program made by `deno compile`. */
  readonly standalone: boolean;
  readonly execPath: string;
  /** URL of the module that Deno was started with. */
  readonly mainModule: string;
  /** URL of this module. */
  readonly moduleUrl: string;
  /** The self-extracting file that unpacked and started this process. */
  readonly selfExtracting?: string;
}

/** The variable in which a self-extracting file tells its absolute path to what it starts. */
export const SELF_EXTRACTING_VARIABLE = "ACTP_SELF_EXTRACTING";

/**
 * raw-imports: `deno run` and `deno compile` know text imports by this flag up to 2.4 and without it later.
 * net: datagrams of local sockets, by which the daemon speaks with systemd.
 */
const UNSTABLE = ["raw-imports", "net", ...(manifest as { unstable?: string[] }).unstable ?? []];

/**
 * deno.json's default permission set as flags of `deno run` and `deno compile`.
 * @throws Error for a permission that is neither true, false nor a list
 */
export function permissionFlags(
  permissions: Readonly<Record<string, unknown>> = manifest.permissions.default,
): string[] {
  return Object.entries(permissions).flatMap(([name, granted]) => {
    if (granted === true) return [`--allow-${name}`];
    if (granted === false || (Array.isArray(granted) && granted.length === 0)) return [];
    if (Array.isArray(granted)) return [`--allow-${name}=${granted.join(",")}`];
    throw new Error(`deno.json: permissions.default.${name} must be true, false or a list; correct it`);
  });
}

/** Everything the program needs of Deno, as flags: never a prompt, the permission set, unstable features. */
export function runtimeFlags(): string[] {
  return ["--no-prompt", ...permissionFlags(), ...[...new Set(UNSTABLE)].map((name) => `--unstable-${name}`)];
}

/** Options of {@link selfCommand}. */
export interface SelfOptions {
  /** Path of the main module to run from source, in place of the project's main.ts. */
  readonly main?: string;
  readonly runtime?: Runtime;
}

/** How to run this same program with `args`: compiled, self-extracting, bundled or from source. */
export function selfCommand(args: string[], options: SelfOptions = {}): SelfCommand {
  const runtime = options.runtime ?? currentRuntime();
  if (runtime.standalone) return { program: runtime.execPath, args };
  const run = (...flagsAndMain: string[]) => ({
    program: runtime.execPath,
    args: ["run", "-q", ...runtimeFlags(), ...flagsAndMain, ...args],
  });
  if (runtime.moduleUrl.endsWith("/lib/daemon/self.ts")) {
    const root = new URL("../../", runtime.moduleUrl);
    const config = fileURLToPath(new URL("deno.json", root));
    return run("--config", config, options.main ?? fileURLToPath(new URL("main.ts", root)));
  }
  // The unpacked bundle lies in a cache, which may be emptied: the file it came from is what lasts.
  if (runtime.selfExtracting) return { program: runtime.selfExtracting, args };
  return run("--no-config", "--no-lock", fileURLToPath(runtime.mainModule));
}

function currentRuntime(): Runtime {
  return {
    standalone: Deno.build.standalone,
    // Linux marks the path of a program that was replaced while it runs; the new one serves.
    execPath: Deno.execPath().replace(/ \(deleted\)$/, ""),
    mainModule: Deno.mainModule,
    moduleUrl: import.meta.url,
    selfExtracting: Deno.env.get(SELF_EXTRACTING_VARIABLE) || undefined,
  };
}
