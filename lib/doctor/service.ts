/** Is the service, where one is installed, up; does it stay up; and does it find what the shell finds? */
import { findProgram } from "../process.ts";
import { isExecutableOn } from "./search.ts";
import type { InstalledService } from "../service_install/installed.ts";
import type { ServiceManager, ServiceState } from "../service_install/manager.ts";
import { callText } from "../service_install/command.ts";
import { type Check, type Finding, ok } from "./check.ts";

/** The service of this person or machine. */
export interface FoundService {
  readonly manager: ServiceManager;
  readonly installed: InstalledService;
  /** The account whose session the service belongs to. */
  readonly user: string;
}

/** One check for the service's state and one for its PATH; where none is installed, one that tells how. */
export function serviceChecks(service: FoundService | undefined, programs: readonly string[]): Check[] {
  if (!service) {
    const none = ok("not installed; actp-worker install-service has the worker started and watched over");
    return [{ name: "service", run: () => Promise.resolve(none) }];
  }
  const { manager, installed, user } = service;
  return [
    {
      name: "service",
      run: async () =>
        judgeService(await manager.state(), await manager.lingering(user), callText(manager.logCommand)),
    },
    { name: "service PATH", run: () => examinePath(installed.path ?? "", programs) },
  ];
}

/** How the service stands. Pure. */
export function judgeService(
  { running, enabled, detail, restarts = 0 }: ServiceState,
  linger: Awaited<ReturnType<ServiceManager["lingering"]>>,
  logCommand: string,
): Finding {
  if (!running) return { status: "fail", detail: `installed, but ${detail}`, fix: `see ${logCommand}` };
  if (!enabled) {
    const fix = "run actp-worker install-service again";
    return { status: "warn", detail: `${detail}, but does not come up by itself`, fix };
  }
  if (linger?.lingers === false) {
    return { status: "warn", detail: `${detail}, but stops when you log out`, fix: `run ${linger.fix}` };
  }
  if (restarts > 0) {
    const detailed = `${detail}, restarted ${restarts} times after failures`;
    return { status: "warn", detail: detailed, fix: `see ${logCommand}` };
  }
  return ok(detail);
}

/** Programs that the shell finds and the service does not. */
async function examinePath(servicePath: string, programs: readonly string[]): Promise<Finding> {
  const found = await Promise.all(programs.map(async (name) => ({
    name,
    here: await findProgram(name),
    there: await isExecutableOn(name, servicePath),
  })));
  const lost = found.filter(({ here, there }) => here !== undefined && !there);
  if (lost.length === 0) return ok("finds every program that the shell finds");
  return {
    status: "fail",
    detail: `the service does not find ${lost.map(({ name, here }) => `${name} (${here})`).join(", ")}`,
    fix: "run actp-worker install-service again from this shell",
  };
}
