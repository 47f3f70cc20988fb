/** Renders with the Remotion project on this machine. */
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { baseEnvironment, ProgramMissingError, runProgram } from "../../lib/process.ts";
import { withShortPath } from "../../lib/process/short_path.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { renderArguments } from "./arguments.ts";
import { CODECS } from "./codec.ts";
import { remotionFailure } from "./failure.ts";
import type { RemotionInput } from "./input.ts";
import { watchMemory } from "./memory_watch.ts";
import { findEntry, findProject, type Project } from "./project.ts";
import { renderProgressReader } from "./progress.ts";
import type { RemotionSettings } from "./settings.ts";

type LocalSettings = RemotionSettings & { readonly remotionProjectDir: string };

/** A finished video. */
export interface RenderedFile {
  /** In the task's temp folder. */
  readonly file: string;
  readonly renderMs: number;
}

/** Where the composition's name would be taken for a path: Remotion looks for an entry file first. */
async function requireNoPath(project: Project, composition: string): Promise<void> {
  if (!await Deno.stat(join(project.dir, composition)).catch(() => undefined)) return;
  throw new TaskError(
    `${composition} is also a file or folder in the Remotion project: give entry, or set REMOTION_ENTRY`,
    { retry: false },
  );
}

/** @throws {@link TaskError}, without retry where it is sure that composition, props or options are to blame */
export async function renderLocally(
  input: RemotionInput,
  settings: LocalSettings,
  context: ExecutionContext,
  clock: Clock,
): Promise<RenderedFile> {
  const project = await findProject(settings);
  if ("reason" in project) {
    // The machine lost a capability: another one may have it.
    const cause = new ProgramMissingError("remotion");
    throw new TaskError(`Cannot render: ${project.reason} (${project.fix})`, { retry: true, cause });
  }
  const wantedEntry = input.entry ?? settings.remotionEntry;
  const entry = wantedEntry === undefined ? undefined : await findEntry(project.dir, wantedEntry);
  if (entry === undefined) await requireNoPath(project, input.composition);
  const output = join(context.tempDir, `rendered.${CODECS[input.codec].extension}`);
  const propsFile = join(context.tempDir, "props.json");
  await Deno.writeTextFile(propsFile, JSON.stringify(input.props), { mode: 0o600 });
  const args = renderArguments(input, {
    entry,
    output,
    propsFile,
    browser: project.browser,
    concurrency: settings.remotionConcurrency,
    cores: navigator.hardwareConcurrency,
  });
  // Bundle, browser profile and frames go with the task's folder, also when the render is killed.
  const scratch = join(context.tempDir, "scratch");
  await Deno.mkdir(scratch, { mode: 0o700 });
  // The browser has a socket there.
  const renderMs = await withShortPath(
    scratch,
    (temp) => runRemotion(project, args, temp, input, settings, context, clock),
  );
  return { file: output, renderMs };
}

async function runRemotion(
  project: Project,
  args: readonly string[],
  temp: string,
  { composition }: RemotionInput,
  { remotionTimeoutSeconds: timeoutSeconds }: LocalSettings,
  context: ExecutionContext,
  clock: Clock,
): Promise<number> {
  const read = renderProgressReader();
  let lastProgress: string | undefined;
  const watch = await watchMemory(clock);
  const running = runProgram({
    program: project.program,
    args,
    cwd: project.dir,
    env: { ...baseEnvironment(), TMPDIR: temp, NO_COLOR: "1" },
    signal: context.signal,
    timeoutMs: timeoutSeconds * 1_000,
    tailLines: 200,
    onStart: watch.follow,
    onStdoutLine: (line) => {
      const progress = read(line);
      if (!progress) return;
      lastProgress = progress.message;
      context.progress(progress);
    },
    clock,
  });
  const memory = await running.then(watch.stop, watch.stop);
  const result = await running;
  context.signal.throwIfAborted();
  if (result.code === 0) return Math.round(result.durationMs);
  throw remotionFailure({ composition, result, memory, timeoutSeconds, lastProgress });
}
