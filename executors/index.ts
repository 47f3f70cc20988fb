/** The executors that come with the worker. */
import type { CommandDeclaration } from "../lib/config.ts";
import type { LoadedExecutors } from "../lib/task/loaded.ts";
import type { Executor } from "../lib/task/task.ts";
import { commandExecutors, type CommandSettings } from "./command.ts";
import { ffmpegProcess, type FfmpegSettings } from "./ffmpeg_process.ts";
import { openStorage, type StorageSettings } from "../lib/storage/supabase.ts";
import { remotionRender, type RemotionSettings } from "./remotion_render.ts";
import { type ResearchSettings, safariResearch } from "./safari_research.ts";
import { type BlotatoSettings, blotatoUpload } from "./blotato_upload.ts";
import { safariUpload, type SafariUploadSettings } from "./safari_upload.ts";
import { BUILT_IN_TYPES } from "./types.ts";
import { wdlRun, type WdlSettings } from "./wdl_run.ts";
import { outsideExecutors, type OutsideSettings } from "./outside/loader.ts";

/** What the executors need of the configuration. */
export interface ExecutorSettings
  extends
    BlotatoSettings,
    SafariUploadSettings,
    FfmpegSettings,
    CommandSettings,
    RemotionSettings,
    ResearchSettings,
    StorageSettings,
    WdlSettings {
  readonly commands: readonly CommandDeclaration[];
}

/** All of them: the built-in ones and those that the configuration declares. */
export function builtInExecutors(settings: ExecutorSettings): Executor[] {
  const storage = openStorage(settings);
  return [
    ffmpegProcess(settings) as Executor,
    remotionRender({ ...settings, storage }) as Executor,
    safariResearch(settings) as Executor,
    safariUpload(settings) as Executor,
    blotatoUpload(settings) as Executor,
    wdlRun(settings) as Executor,
    ...commandExecutors(settings.commands, settings),
  ];
}

/** The built-in ones, the declared ones, and the owner's own from outside. Never throws. */
export async function allExecutors(settings: ExecutorSettings & OutsideSettings): Promise<LoadedExecutors> {
  const own = builtInExecutors(settings);
  const reserved = [...BUILT_IN_TYPES, ...own.map(({ type }) => type)];
  const outside = await outsideExecutors(settings, reserved);
  return { executors: [...own, ...outside.executors], problems: outside.problems };
}
