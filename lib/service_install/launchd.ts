/** launchd as the service manager, in the person's GUI session: launchctl(1). */
import { type Clock, systemClock } from "../clock.ts";
import type { Caller } from "./command.ts";
import { LABEL } from "./layout.ts";
import { launchdPlist } from "./launchd_plist.ts";
import { insist, type ServiceManager, type ServiceState } from "./manager.ts";

const LOOK_EVERY_MS = 200;
/** Longer than any drain that ExitTimeOut allows by default. */
const GONE_WITHIN_MS = 120_000;

/** Where the agent's parts lie, and whose it is. */
export interface LaunchdOptions {
  readonly uid: number;
  /** The property list's path. */
  readonly definition: string;
  /** The file that takes the service's output. */
  readonly log: string;
  readonly clock?: Clock;
}

/** The LaunchAgents of this person's session. */
export function launchd(
  call: Caller,
  { uid, definition, log, clock = systemClock }: LaunchdOptions,
): ServiceManager {
  const domain = `gui/${uid}`;
  const service = `${domain}/${LABEL}`;
  const launchctl = (...args: string[]) => ({ program: "launchctl", args });
  const bootout = launchctl("bootout", service);
  const enable = launchctl("enable", service);
  const bootstrap = launchctl("bootstrap", domain, definition);
  const logCommand = { program: "tail", args: ["-f", log] };
  const fix = `see ${log} and launchctl print ${service}`;

  /** bootout returns before the service has ended, and a bootstrap that comes too early fails. */
  async function bootOut(): Promise<void> {
    const { ok } = await call(launchctl("print", service));
    if (!ok) return;
    await call(bootout); // its answer is unreliable; whether it is gone is not
    for (let waited = 0; waited < GONE_WITHIN_MS; waited += LOOK_EVERY_MS) {
      if (!(await call(launchctl("print", service))).ok) return;
      await clock.sleep(LOOK_EVERY_MS);
    }
    throw new Error(
      `Cannot stop the service: launchd still knows it after ${GONE_WITHIN_MS / 1000} s (${fix})`,
    );
  }

  return {
    name: "launchd",
    async check() {
      const { ok, reason } = await call(launchctl("print", domain));
      if (ok) return;
      throw new Error(
        `There is no desktop session of yours: ${reason}. Log in at the Mac's screen and install from there; Safari works nowhere else.`,
      );
    },
    definition: launchdPlist,
    async state() {
      const { ok, stdout } = await call(launchctl("print", service));
      return ok
        ? readLaunchdState(stdout)
        : { installed: false, enabled: false, running: false, detail: "not loaded" };
    },
    activation: () => [bootout, enable, bootstrap],
    async activate() {
      await bootOut();
      await insist(call, "enable the service", enable, fix);
      await insist(call, "start the service", bootstrap, fix); // RunAtLoad starts it
    },
    deactivation: () => [bootout],
    deactivate: bootOut,
    forget: () => Promise.resolve(),
    lingering: () => Promise.resolve(undefined),
    logCommand,
    async recentLog() {
      return (await call({ program: "tail", args: ["-n", "15", log] })).stdout;
    },
  };
}

/** Reads `launchctl print`, whose first level holds lines of `name = value`. */
export function readLaunchdState(lines: readonly string[]): ServiceState {
  const value = (name: string) =>
    lines.map((line) => line.match(/^\t?([a-z ]+) = (.*)$/)).find((match) => match?.[1] === name)?.[2];
  const state = value("state") ?? "unknown";
  const pid = Number(value("pid") ?? 0);
  const runs = Number(value("runs") ?? 0);
  return {
    installed: true,
    enabled: true,
    running: state === "running",
    pid: pid > 0 ? pid : undefined,
    detail: value("last exit code") === undefined
      ? state
      : `${state}, last exit code ${value("last exit code")}`,
    restarts: Math.max(0, runs - 1),
  };
}
