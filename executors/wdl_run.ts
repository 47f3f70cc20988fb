/** The task type `wdl_run`: runs a WDL workflow or task with miniwdl, Sprocket, Cromwell or Toil. */
import { join } from "node:path";
import { ProgramMissingError, runProgram, type RunResult } from "../lib/process.ts";
import { ProgramVersions } from "../lib/process/program_version.ts";
import { isInside } from "../lib/paths.ts";
import { type Availability, type ExecutionContext, type Executor, TaskError } from "../lib/task/task.ts";
import type { FileSettings } from "./ffmpeg/files.ts";
import { resultFolder } from "./task_files.ts";
import { type Bundle, chooseTarget, MAIN, readBundle, readOne, type Target } from "./wdl/bundle.ts";
import type { Definition } from "./wdl/document.ts";
import { runFailure } from "./wdl/failure.ts";
import { type WdlInput, wdlInput } from "./wdl/input.ts";
import { fetchImports } from "./wdl/fetched_imports.ts";
import { documentFetcher, filePlacer, openBase, readyInputs } from "./wdl/inputs.ts";
import { completeOutputs, type Outputs, type OwnOutputs, readJson, readOutputs } from "./wdl/outputs.ts";
import { reportedFailure } from "./wdl/reports.ts";
import { keepResults } from "./wdl/results.ts";
import { RunnerLog } from "./wdl/runner_log.ts";
import {
  findRunner,
  invocation,
  type Runner,
  type RunnerChoice,
  runnerEnvironment,
  runnerName,
} from "./wdl/runners.ts";
import { type Stage, stageIn, writeStage } from "./wdl/staging.ts";
import { tail } from "./wdl/tail.ts";
import { NOTES_VARIABLE, planOutputs, quoteInputs, unsupported, wrapCommands } from "./wdl/toil59.ts";
import { collectOutputs, failedCommand, readNotes } from "./wdl/toil59_notes.ts";

/** What the executor needs of the configuration. */
export interface WdlSettings extends FileSettings {
  readonly wdlRunner: RunnerChoice;
  /** The runner's program (for Cromwell its .jar), where PATH does not lead to it. */
  readonly wdlRunnerPath?: string;
}

/** The jobs protocol's ExecuteResponse. Files among the outputs are absolute paths in the task's result folder. */
export interface WdlResult {
  readonly status: "ok";
  /** By `<workflow or task>.<name>`. */
  readonly outputs: Outputs;
  /** The last lines that the runner printed. */
  readonly stdout?: string;
  readonly stderr?: string;
  readonly duration_ms: number;
}

/** One attempt, ready to be run. */
interface Run {
  readonly runner: Runner;
  readonly bundle: Bundle;
  readonly target: Target;
  readonly stage: Stage;
  /** Where files among the inputs lie. */
  readonly inputRoots: readonly string[];
}

/** Makes the executor; nothing is run yet. */
export function wdlRun(settings: WdlSettings): Executor<WdlInput, WdlResult> {
  const versions = new ProgramVersions();
  const find = () => findRunner(settings.wdlRunner, settings.wdlRunnerPath, versions);
  return {
    type: "wdl_run",
    description: "runs WDL workflows and tasks with miniwdl, Sprocket, Cromwell or Toil",
    input: wdlInput as Executor<WdlInput>["input"],
    async check(): Promise<Availability> {
      const found = await find();
      if (!("kind" in found)) return { available: false, ...found };
      return { available: true, version: `${runnerName(found)} ${found.version}` };
    },
    async plan(input) {
      const { definition } = chooseTarget(readOne(MAIN, input.wdl), input.options?.task);
      const runner = await find();
      const outputs = definition.outputs?.map(({ name }) => `${definition.name}.${name}`) ?? [];
      return [
        "kind" in runner
          ? `would run the ${definition.kind} ${definition.name} with ${runnerName(runner)} ${runner.version}`
          : `cannot run the ${definition.kind} ${definition.name}: ${runner.reason}; ${runner.fix}`,
        `inputs: ${Object.keys(input.inputs ?? {}).join(", ") || "none"}`,
        `outputs: ${outputs.join(", ") || "none declared"}`,
      ];
    },
    async run(input, context) {
      const { wdl, imports } = await fetchImports(
        { wdl: input.wdl, imports: input.imports ?? {} },
        documentFetcher(settings, context),
      );
      const bundle = readBundle(wdl, imports);
      const target = chooseTarget(bundle.documents.get(MAIN)!, input.options?.task);
      const runner = await find();
      if (!("kind" in runner)) {
        throw new TaskError(`${runner.reason}; ${runner.fix}`, {
          retry: true,
          cause: new ProgramMissingError(settings.wdlRunnerPath ?? "a WDL runner"),
        });
      }
      return await runTarget(input, { runner, bundle, target }, settings, context);
    },
  };
}

async function runTarget(
  input: WdlInput,
  { runner, bundle, target }: Pick<Run, "runner" | "bundle" | "target">,
  settings: WdlSettings,
  context: ExecutionContext,
): Promise<WdlResult> {
  const { definition } = target;
  const plan = runner.kind === "toil59" ? planFor59(bundle, target) : undefined;
  if (definition.kind === "task" && (runner.kind === "cromwell" || runner.kind === "toil")) {
    throw new TaskError(
      `${runnerName(runner)} runs workflows only, no task by itself; call ${definition.name} from a workflow`,
      { retry: false },
    );
  }
  const baseDir = input.options?.base_dir;
  const base = baseDir === undefined ? undefined : await openBase(settings.inputRoots, baseDir);
  const inputs = await readyInputs(input.inputs ?? {}, bundle, target, filePlacer(base, settings, context));
  const stage = stageIn(await Deno.realPath(context.tempDir));
  const notes = join(stage.temp, "notes");
  const main = bundle.documents.get(MAIN)!;
  await writeStage(
    stage,
    plan ? new Map([[MAIN, wrapCommands(bundle.sources.get(MAIN)!, main)]]) : bundle.sources,
    plan ? quoteInputs(inputs) : inputs,
  );
  if (plan) await Deno.mkdir(notes);

  const log = new RunnerLog(context);
  const result = await runProgram({
    program: runner.program,
    args: invocation(
      runner,
      stage,
      Object.keys(inputs).length > 0,
      target.chosen ? definition.name : undefined,
    ),
    cwd: stage.run,
    env: { ...runnerEnvironment(stage.temp), ...plan && { [NOTES_VARIABLE]: notes } },
    signal: context.signal,
    tailLines: 100,
    onStdoutLine: log.take,
    onStderrLine: log.take,
  });
  context.signal.throwIfAborted();

  const run: Run = {
    runner,
    bundle,
    target,
    stage,
    inputRoots: base === undefined ? settings.inputRoots : [base],
  };
  const made = plan
    ? await outcomeOf59(plan, main.definitions, notes, run, result, log)
    : await outcomeOf(runner.kind as OwnOutputs, run, result, log);
  const outputs = await keep(completeOutputs(definition, made), run, settings, context);
  return {
    status: "ok",
    outputs,
    ...printed("stdout", result.stdoutTail),
    ...printed("stderr", result.stderrTail),
    duration_ms: Math.round(result.durationMs),
  };
}

/** @throws TaskError without retry for what Toil 5.9 cannot do, or cannot tell the result of */
function planFor59(bundle: Bundle, { definition }: Target): ReturnType<typeof planOutputs>["sources"] {
  const main = bundle.documents.get(MAIN)!;
  const { sources, unknown } = planOutputs(main, definition);
  const problem = unsupported(main, definition) ??
    (unknown.length > 0
      ? `Toil 5.9 exports files only, so not all outputs can be known: ${unknown.join("; ")}`
      : "");
  if (!problem) return sources;
  throw new TaskError(`${problem}; use miniwdl, Sprocket, Cromwell or a newer Toil (WDL_RUNNER)`, {
    retry: false,
  });
}

async function outcomeOf59(
  plan: ReturnType<typeof planFor59>,
  tasks: readonly Definition[],
  notes: string,
  { runner, stage }: Run,
  result: RunResult,
  { syntax }: RunnerLog,
): Promise<Outputs> {
  const executions = await readNotes(notes);
  const command = await failedCommand(executions, tasks, stage.run);
  if (result.code !== 0 || command || syntax) {
    throw runFailure({ runner: runnerName(runner), result, syntax, ...command });
  }
  return await collectOutputs(plan, executions, stage.run);
}

async function outcomeOf(
  kind: OwnOutputs,
  { runner, stage }: Run,
  result: RunResult,
  { syntax }: RunnerLog,
): Promise<Outputs> {
  const outputs = result.code === 0 ? await readOutputs(kind, stage) : undefined;
  if (outputs) return outputs;
  const reported = reportedFailure(kind, await readJson(stage.outputs));
  const { stderrFile } = reported;
  throw runFailure({
    runner: runnerName(runner),
    result,
    syntax: result.code === 0 ? undefined : syntax,
    ...reported,
    ...result.code === 0 && { message: "it ended well but wrote no outputs" },
    stderr: stderrFile === undefined ? undefined : await tailInside(stage, stderrFile),
  });
}

/** A command that runs in a container may have put a link in the place of its log. */
async function tailInside({ run }: Stage, path: string): Promise<string | undefined> {
  const found = await Deno.realPath(path).catch(() => undefined);
  return found !== undefined && isInside(run, found) ? await tail(found) : undefined;
}

async function keep(
  outputs: Outputs,
  { bundle, target, stage, inputRoots }: Run,
  { outputDir }: WdlSettings,
  { task, tempDir, signal }: ExecutionContext,
): Promise<Outputs> {
  const own = await Deno.realPath(tempDir);
  const roots = await Promise.all(inputRoots.map((root) => Deno.realPath(root).catch(() => undefined)));
  const kept = await keepResults(outputs, target.definition, bundle.structs, {
    run: stage.run,
    allowed: [own, ...roots.filter((root) => root !== undefined)],
    folder: await resultFolder(outputDir, task.id),
  });
  signal.throwIfAborted();
  return kept;
}

function printed(name: "stdout" | "stderr", lines: readonly string[]): Record<string, string> {
  return lines.length === 0 ? {} : { [name]: lines.join("\n").slice(-8000) };
}
