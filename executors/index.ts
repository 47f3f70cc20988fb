/** The executors that come with the worker. */
import type { CommandDeclaration } from "../lib/config.ts";
import type { Executor } from "../lib/task/task.ts";
import { commandExecutors, type CommandSettings } from "./command.ts";
import { ffmpegProcess, type FfmpegSettings } from "./ffmpeg_process.ts";

/** What the executors need of the configuration. */
export interface ExecutorSettings extends FfmpegSettings, CommandSettings {
  readonly commands: readonly CommandDeclaration[];
}

/** All of them: the built-in ones and those that the configuration declares. */
export function builtInExecutors(settings: ExecutorSettings): Executor[] {
  return [ffmpegProcess(settings) as Executor, ...commandExecutors(settings.commands, settings)];
}

/** The task types that declared commands must not take. */
export const BUILT_IN_TYPES: readonly string[] = ["ffmpeg_process"];
