/** Which service manager, if any, runs this process, and what it calls the service. */

/** A service of systemd, by its unit's name, or of launchd, by its label. */
export interface ServiceUnit {
  readonly manager: "systemd" | "launchd";
  readonly name: string;
  /** Of a person and not of the machine: `systemctl --user`, `launchctl … gui/<uid>`. */
  readonly ofUser: boolean;
  /** Standard error goes to systemd's journal. */
  readonly journal: boolean;
}

/** What is asked of the machine; given by tests. */
export interface UnitSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The content of /proc/self/cgroup; undefined where there is none. */
  readonly cgroup: () => Promise<string | undefined>;
  readonly uid: number | null;
  readonly pid: number;
}

/**
 * The service that this process is. What a service starts inherits its environment: systemd means this process
 * where SYSTEMD_EXEC_PID is its pid (systemd.exec(5)) or where it is given NOTIFY_SOCKET.
 */
export async function ownServiceUnit(source: UnitSource = machine()): Promise<ServiceUnit | undefined> {
  const { env, uid } = source;
  if (env.NOTIFY_SOCKET || env.SYSTEMD_EXEC_PID === String(source.pid)) {
    const unit = unitOf(await source.cgroup() ?? "");
    return unit && { manager: "systemd", ...unit, journal: env.JOURNAL_STREAM !== undefined };
  }
  const label = env.XPC_SERVICE_NAME;
  if (!label || label === "0" || label.startsWith("application.")) return undefined;
  return { manager: "launchd", name: label, ofUser: uid !== 0, journal: false };
}

/** The service in the lines of cgroups(7): of version 2 (`0::PATH`) or of systemd's own hierarchy of version 1. */
export function unitOf(cgroup: string): Pick<ServiceUnit, "name" | "ofUser"> | undefined {
  for (const line of cgroup.split("\n")) {
    const path = /^\d+:(?:name=systemd)?:(\/.*)$/.exec(line)?.[1];
    const name = path?.split("/").at(-1);
    // A person's own manager is itself a service, user@UID.service, and its units are below it.
    if (name?.endsWith(".service")) return { name, ofUser: /\.service\/./.test(path!) };
  }
  return undefined;
}

/** The arguments of the program that starts the service again. */
export function restartCommand({ manager, name, ofUser }: ServiceUnit, uid: number | null): string[] {
  if (manager === "systemd") return ["systemctl", ...ofUser ? ["--user"] : [], "restart", name];
  return ["launchctl", "kickstart", "-k", ofUser ? `gui/${uid}/${name}` : `system/${name}`];
}

function machine(): UnitSource {
  return {
    env: Deno.env.toObject(),
    uid: Deno.uid(),
    pid: Deno.pid,
    async cgroup() {
      if (Deno.build.os !== "linux") return undefined;
      const { success, stdout } = await new Deno.Command("cat", {
        args: [`/proc/${Deno.pid}/cgroup`],
        stdin: "null",
        stderr: "null",
      }).output();
      return success ? new TextDecoder().decode(stdout) : undefined;
    },
  };
}
