/** Installing the service: files, then the service manager; the same again as an upgrade. */
import { type Caller, callText } from "./command.ts";
import { accountCall, findAccount } from "./account.ts";
import type { ServicePlan } from "./definition.ts";
import { parseSystemdEnvironment, systemdEnvironment, withSettings } from "./environment_file.ts";
import { insist, type ServiceManager } from "./manager.ts";
import type { InstalledProgram } from "./program_place.ts";
import { doStep, type Owner, type Step, stepText } from "./steps.ts";

/** What to install. */
export interface Installation {
  readonly plan: ServicePlan;
  readonly program: InstalledProgram;
  /** Settings that the service would not see otherwise; into the settings file. */
  readonly settings: Readonly<Record<string, string>>;
  /** Variables for child programs; into the environment file. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What came of it. */
export interface InstallResult {
  /** Nothing had to be changed, and the service ran already. */
  readonly unchanged: boolean;
}

/** Every change to files, in order. `owner` owns the worker's own files; nobody but the caller unless given. */
export async function installSteps(
  { plan, program, settings, variables }: Installation,
  definition: string,
  owner?: Owner,
): Promise<Step[]> {
  const { layout } = plan;
  const known = parseSystemdEnvironment(await textOf(layout.environment));
  const before = await textOf(layout.settings);
  const settled = withSettings(before, settings);
  return [
    { kind: "folder", path: layout.home, mode: 0o700, owner },
    { kind: "copy", from: program.from, to: program.to, mode: 0o755 },
    ...settled === "" ? [] : [
      { kind: "write", path: layout.settings, text: settled, mode: 0o600, owner } as const,
    ],
    {
      kind: "write",
      path: layout.environment,
      text: systemdEnvironment({ ...known, ...variables }),
      mode: 0o600,
      owner,
    },
    ...definition.includes("<plist")
      ? [{ kind: "folder", path: logFolder(layout.log), mode: 0o700 } as const]
      : [],
    { kind: "write", path: layout.definition, text: definition, mode: 0o644 },
  ];
}

function logFolder(log: string): string {
  return log.slice(0, log.lastIndexOf("/"));
}

/** What would be done, one line each. */
export async function describeInstall(
  installation: Installation,
  manager: ServiceManager,
  call: Caller,
): Promise<string[]> {
  const { plan } = installation;
  const missing = plan.layout.scope === "system" && !await findAccount(call, plan.user);
  const steps = await installSteps(installation, manager.definition(plan));
  return [
    ...missing ? [callText(accountCall(plan.user, plan.layout.home))] : [],
    ...steps.map(stepText),
    ...manager.activation().map(callText),
  ];
}

/**
 * Does it and returns when the service manager says that the service is up.
 * @throws Error that names the step that failed
 */
export async function install(
  installation: Installation,
  manager: ServiceManager,
  call: Caller,
): Promise<InstallResult> {
  const { plan } = installation;
  const owner = plan.layout.scope === "system" ? await account(call, plan) : undefined;
  let changed = false;
  for (const step of await installSteps(installation, manager.definition(plan), owner)) {
    changed = await doStep(step) || changed;
  }
  const { running, enabled } = await manager.state();
  if (!changed && running && enabled) return { unchanged: true };
  await manager.activate();
  return { unchanged: false };
}

async function account(call: Caller, { user, layout }: ServicePlan): Promise<Owner> {
  const found = await findAccount(call, user);
  if (found) return found;
  const fix = "make it yourself and name it with --service-user";
  await insist(call, `make the account ${user}`, accountCall(user, layout.home), fix);
  const made = await findAccount(call, user);
  if (!made) throw new Error(`The account ${user} was made and is not there; ${fix}`);
  return made;
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
