/** Taking the service away again: what was installed, and with `purge` the worker's own folder too. */
import { resolve } from "node:path";
import { accountRemoval, findAccount, SERVICE_USER } from "./account.ts";
import { type Caller, callText } from "./command.ts";
import { withoutSettings } from "./environment_file.ts";
import type { InstalledService } from "./installed.ts";
import type { Layout } from "./layout.ts";
import { insist, type ServiceManager } from "./manager.ts";
import { doStep, type Step, stepText } from "./steps.ts";

/** What to take away. */
export interface Removal {
  readonly layout: Layout;
  readonly installed: InstalledService | undefined;
  /** Also the home folder with everything in it, and the account that was made for the service. */
  readonly purge: boolean;
  /** The person's own home folder, which is never removed. */
  readonly userHome: string;
}

/** Every change to files, in order. @throws Error where the home folder does not look like a worker's */
export async function removalSteps({ layout, purge, userHome }: Removal): Promise<Step[]> {
  const places = [
    layout.definition,
    layout.additions,
    layout.programFolder,
    layout.cache,
    layout.environment,
  ];
  const removed = places.flatMap((path): Step[] => path === undefined ? [] : [{ kind: "remove", path }]);
  if (!purge) return [...removed, ...await settingsStep(layout)];
  await requireWorkerHome(layout.home, userHome);
  return [...removed, { kind: "remove", path: layout.home }];
}

/** Only our block goes; a person's own lines stay. */
async function settingsStep({ settings }: Layout): Promise<Step[]> {
  const text = await Deno.readTextFile(settings).catch(noFile);
  if (text === undefined) return [];
  const rest = withoutSettings(text);
  if (rest === text) return [];
  if (rest.trim() === "") return [{ kind: "remove", path: settings }];
  const { uid, gid } = await Deno.stat(settings);
  const owner = uid === null || gid === null ? undefined : { uid, gid };
  return [{ kind: "write", path: settings, text: rest, mode: 0o600, owner }];
}

async function requireWorkerHome(home: string, userHome: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(home), ({ name }) => name).catch(noFile);
  if (names === undefined || names.length === 0) return;
  const ours = names.some((name) => ["token", "journal.sqlite", "service.env"].includes(name));
  if (ours && ![resolve(userHome), "/"].includes(resolve(home))) return;
  throw new Error(
    `${home} does not look like a worker's home folder, so it is not removed; remove it yourself`,
  );
}

/** What would be done, one line each. */
export async function describeRemoval(
  removal: Removal,
  manager: ServiceManager,
  call: Caller,
): Promise<string[]> {
  const { installed } = await manager.state();
  const gone = await accountToRemove(removal, call);
  return [
    ...installed ? manager.deactivation().map(callText) : [],
    ...(await removalSteps(removal)).map(stepText),
    ...gone ? [callText(accountRemoval(gone))] : [],
  ];
}

/** Does it. @returns whether there was anything to take away */
export async function uninstall(removal: Removal, manager: ServiceManager, call: Caller): Promise<boolean> {
  const steps = await removalSteps(removal); // refuses before anything is changed
  const { installed } = await manager.state();
  if (installed) await manager.deactivate();
  let changed = installed;
  for (const step of steps) changed = await doStep(step) || changed;
  if (changed) await manager.forget();
  const user = await accountToRemove(removal, call);
  if (user) await insist(call, `remove the account ${user}`, accountRemoval(user), "remove it yourself");
  return changed;
}

/** Only the account that the installation makes: one that was named may serve others. */
async function accountToRemove(
  { layout, installed, purge }: Removal,
  call: Caller,
): Promise<string | undefined> {
  if (layout.scope !== "system" || !purge || installed?.user !== SERVICE_USER) return undefined;
  return await findAccount(call, SERVICE_USER) ? SERVICE_USER : undefined;
}

function noFile(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
