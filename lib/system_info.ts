/** What a worker tells of its machine: the `system_info` of its registration. */
import { cpus, release, totalmem, type } from "node:os";
import type { Availability } from "./task/task.ts";

/** The machine itself; does not change while the worker runs. */
export interface Machine {
  /** With its version, as people know it: `macOS 15.3`, `Debian GNU/Linux 12 (bookworm)`. */
  readonly os: string;
  readonly arch: string;
  readonly cpuCores: number;
  readonly memoryGb: number;
  readonly hasSafari: boolean;
}

/** One executor and what its last check said. */
export interface CheckedExecutor {
  readonly executor: { readonly type: string };
  readonly availability: Availability;
}

const SAFARI = "/Applications/Safari.app/Contents/MacOS/Safari";
const MAC_VERSION_FILE = "/System/Library/CoreServices/SystemVersion.plist";
const LINUX_VERSION_FILE = "/etc/os-release";

/** Asks the machine; never throws. */
export async function readMachine(): Promise<Machine> {
  const mac = Deno.build.os === "darwin";
  const text = await Deno.readTextFile(mac ? MAC_VERSION_FILE : LINUX_VERSION_FILE).catch(() => "");
  return {
    os: (mac ? macVersion(text) : linuxVersion(text)) ?? `${type()} ${release()}`,
    arch: Deno.build.arch,
    cpuCores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    hasSafari: mac && await Deno.stat(SAFARI).then(({ isFile }) => isFile, () => false),
  };
}

/** `macOS 15.3` from SystemVersion.plist; undefined where it says something else. */
export function macVersion(plist: string): string | undefined {
  const version = /<key>ProductVersion<\/key>\s*<string>([\d.]+)<\/string>/.exec(plist)?.[1];
  return version && `macOS ${version}`;
}

/** The name with its version from os-release(5). */
export function linuxVersion(osRelease: string): string | undefined {
  const value = (key: string) => new RegExp(`^${key}=["']?(.*?)["']?\\s*$`, "m").exec(osRelease)?.[1];
  const pretty = value("PRETTY_NAME");
  const named = [value("NAME"), value("VERSION_ID")].filter(Boolean).join(" ");
  return pretty || named || undefined;
}

/** Everything together, with the keys that readers of the table know. */
export function systemInfo(
  machine: Machine,
  executors: readonly CheckedExecutor[],
  settings: { readonly remotionProjectDir?: string },
): Record<string, unknown> {
  const can = (type: string) =>
    executors.some(({ executor, availability }) => executor.type === type && availability.available);
  return {
    os: machine.os,
    arch: machine.arch,
    cpu_cores: machine.cpuCores,
    memory_gb: machine.memoryGb,
    has_safari: machine.hasSafari,
    // A remote render service can render too, but is not Remotion on this machine.
    has_remotion: settings.remotionProjectDir !== undefined && can("remotion_render"),
    has_blotato: can("blotato_upload"),
    remotion_project_dir: settings.remotionProjectDir ?? null,
    executors: Object.fromEntries(
      executors.map(({ executor, availability }) => [executor.type, availability]),
    ),
  };
}
