/** Finds the owner's own executors in their folder. Whatever is wrong with one is reported, and the others work. */
import { basename, join } from "node:path";
import type { ExecutorProblem, LoadedExecutors } from "../../lib/task/loaded.ts";
import type { Executor } from "../../lib/task/task.ts";
import { readManifest } from "./manifest.ts";
import { loadModule } from "./module.ts";
import { programExecutor, type ProgramSettings } from "./program.ts";
import { reasonToRefuse, reasonToRefuseFolder } from "./trust.ts";

/** What the executors from outside need of the configuration. */
export interface OutsideSettings extends ProgramSettings {
  /** Holds modules, and folders with an `executor.json`. It need not exist. */
  readonly executorsDir: string;
}

const MODULE = /(?<!\.d)\.(ts|mts|js|mjs)$/;
const MAX_ENTRIES = 500;

/** Loads all of them; `reserved` are types that they must not take. Never throws. */
export async function outsideExecutors(
  settings: OutsideSettings,
  reserved: readonly string[],
): Promise<LoadedExecutors> {
  const { executorsDir: folder } = settings;
  const refused = (reason: string) => ({ executors: [], problems: [{ file: folder, reason }] });
  let names: string[];
  try {
    names = await namesIn(folder);
  } catch (error) {
    return refused(`cannot be read: ${(error as Error).message}`);
  }
  if (names.length === 0) return { executors: [], problems: [] };
  const against = await reasonToRefuse(folder);
  if (against) return refused(against);
  if (names.length > MAX_ENTRIES) {
    return refused(`holds more than ${MAX_ENTRIES} entries; move away what is no executor`);
  }

  const helpers = await doubtfulHelpers(folder, names);
  const candidates = names.filter((name) => !/^[._]/.test(name) && name !== "node_modules");
  const loaded = await Promise.all(
    candidates.map((name) => load(join(folder, name), settings, helpers.length > 0)),
  );
  const taken = new Map(reserved.map((type) => [type, "the worker itself or a command in config.json"]));
  const executors: Executor[] = [];
  const problems: ExecutorProblem[] = [...helpers];
  for (const one of loaded) {
    if (!one) continue;
    if ("reason" in one) problems.push(one);
    else if (taken.has(one.executor.type)) {
      const { type } = one.executor;
      problems.push({
        file: one.file,
        reason: `its type ${type} is taken by ${taken.get(type)}; choose another`,
      });
    } else {
      taken.set(one.executor.type, one.file);
      executors.push(one.executor);
    }
  }
  return { executors, problems };
}

/** Sorted, so that of two with one type it is always the same that counts. Empty where there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Any module may import these. */
async function doubtfulHelpers(folder: string, names: readonly string[]): Promise<ExecutorProblem[]> {
  const helpers = names.filter((name) => name.startsWith("_")).map((name) => join(folder, name));
  const doubts = await Promise.all(
    helpers.map(async (file) => ({ file, reason: await reasonToRefuse(file) })),
  );
  return doubts.flatMap(({ file, reason }) =>
    reason === undefined ? [] : [{ file, reason: `${reason}; until then no module is loaded` }]
  );
}

/** One entry of the folder; undefined for what is no executor at all. */
async function load(
  path: string,
  settings: ProgramSettings,
  doubtful: boolean,
): Promise<{ file: string; executor: Executor } | ExecutorProblem | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  const isModule = info?.isFile && MODULE.test(path);
  if (info && !info.isDirectory && !isModule) return undefined;
  const file = info?.isDirectory ? join(path, "executor.json") : path;
  try {
    if (!info) throw new Error("is a link that leads nowhere; remove it");
    const reason = await (isModule ? reasonToRefuse(path) : reasonToRefuseFolder(path));
    if (reason) return { file: path, reason };
    if (isModule) return doubtful ? undefined : { file, executor: await loadModule(path) };
    return { file, executor: programExecutor(await readManifest(path), settings) };
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound && !isModule;
    const hint = `has no executor.json; call it _${basename(path)} if it only holds helpers`;
    return missing ? { file: path, reason: hint } : { file, reason: (error as Error).message };
  }
}
