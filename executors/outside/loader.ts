/** Finds the owner's own executors in their folder. Whatever is wrong with one is reported, and the others work. */
import type { LoadedExecutors } from "../../lib/task/loaded.ts";
import type { Executor } from "../../lib/task/task.ts";
import { loadOwn } from "./folder.ts";
import { readManifest } from "./manifest.ts";
import { loadModule } from "./module.ts";
import { programExecutor, type ProgramSettings } from "./program.ts";

/** What the executors from outside need of the configuration. */
export interface OutsideSettings extends ProgramSettings {
  /** Holds modules, and folders with an `executor.json`. It need not exist. */
  readonly executorsDir: string;
}

/** Loads all of them; `reserved` are types that they must not take. Never throws. */
export async function outsideExecutors(
  settings: OutsideSettings,
  reserved: readonly string[],
): Promise<LoadedExecutors> {
  const { found, problems } = await loadOwn<Executor>(settings.executorsDir, {
    noun: "executor",
    manifest: "executor.json",
    key: "type",
    keyOf: ({ type }) => type,
    loadModule: (file) => loadModule(file),
    loadProgram: async (folder) => programExecutor(await readManifest(folder), settings),
  }, new Map(reserved.map((type) => [type, "the worker itself or a command in config.json"])));
  return { executors: found, problems };
}
