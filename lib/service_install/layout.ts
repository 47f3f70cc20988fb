/** Where the parts of an installed service lie. Pure. */
import { dirname, join } from "node:path";

/** Who the service belongs to: one person, or the machine. */
export type Scope = "user" | "system";

/** The service's name to systemd. */
export const UNIT = "actp-worker.service";
/** The service's name to launchd. */
export const LABEL = "com.actp.worker";
/** The worker's home folder where the machine owns the service, unless told. */
export const SYSTEM_HOME = "/var/lib/actp-worker";

/** The places of one installed service, as absolute paths. */
export interface Layout {
  readonly scope: Scope;
  /** The worker's home folder (ACTP_HOME). */
  readonly home: string;
  /** The stable place of the program: a folder of its own, so that removing it removes nothing else. */
  readonly programFolder: string;
  /** The unit file or property list. */
  readonly definition: string;
  /** What a person added with `systemctl edit`; launchd knows no such thing. */
  readonly additions?: string;
  /** Settings, which the command line reads too; 0600. */
  readonly settings: string;
  /** Variables for child programs, which are no settings; 0600. */
  readonly environment: string;
  /** What the service manager does not keep itself goes here. */
  readonly log: string;
  /** The cache that the service manager makes. */
  readonly cache?: string;
}

/** What decides the places. */
export interface LayoutFacts {
  readonly os: "linux" | "darwin";
  readonly scope: Scope;
  /** The person's home folder. */
  readonly userHome: string;
  /** XDG_CONFIG_HOME, where it is set. */
  readonly configHome?: string;
  /** The worker's home folder. */
  readonly home: string;
}

/** The places for these facts. */
export function layoutOf({ os, scope, userHome, configHome, home }: LayoutFacts): Layout {
  const definition = os === "darwin"
    ? join(userHome, "Library", "LaunchAgents", `${LABEL}.plist`)
    : scope === "system"
    ? join("/etc/systemd/system", UNIT)
    : join(configHome ?? join(userHome, ".config"), "systemd", "user", UNIT);
  return {
    scope,
    home,
    programFolder: join(scope === "system" ? "/usr/local" : join(userHome, ".local"), "lib", "actp-worker"),
    definition,
    additions: os === "linux" ? join(dirname(definition), `${UNIT}.d`) : undefined,
    settings: join(home, ".env"),
    environment: join(home, "service.env"),
    log: join(home, "logs", "service.log"),
    cache: os === "linux" && scope === "system" ? "/var/cache/actp-worker" : undefined,
  };
}
