/** What a runner says it made: the outputs' values, by `<target>.<name>`. */
import { join } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import type { Definition } from "./document.ts";
import type { RunnerKind } from "./runners.ts";
import type { Stage } from "./staging.ts";

/** By `<target>.<name>`. */
export type Outputs = Readonly<Record<string, unknown>>;

/** The runners that tell the outputs' values themselves. */
export type OwnOutputs = Exclude<RunnerKind, "toil59">;

/** A larger description of outputs is not read: files are named in it, not held. */
const MAX_OUTPUTS_BYTES = 50 * 2 ** 20;
/** Sprocket's `runs/<target>/<time>/outputs.json`. */
const MAX_SEARCH_DEPTH = 4;

/**
 * Reads the outputs that the runner wrote; undefined if it wrote none.
 * @throws TaskError without retry when what it wrote is not what it is known to write
 */
export async function readOutputs(
  kind: OwnOutputs,
  stage: Pick<Stage, "outputs" | "run">,
): Promise<Outputs | undefined> {
  const path = kind === "sprocket" ? await findFile(stage.run, "outputs.json", 0) : stage.outputs;
  const written = path === undefined ? undefined : await readJson(path);
  if (written === undefined) return undefined;
  const values = outputsIn(kind, written);
  if (isObject(values)) return values;
  throw new TaskError(`${kind} wrote no outputs into its report`, { retry: false });
}

/** Where in the runner's report the values stand. */
export function outputsIn(kind: OwnOutputs, report: unknown): unknown {
  if (!isObject(report)) return undefined;
  switch (kind) {
    case "miniwdl":
    case "cromwell": // the metadata also tells status and failures
      return report.outputs;
    case "toil": // the dialect of miniwdl, if somebody configured it
      return isObject(report.outputs) && typeof report.dir === "string" ? report.outputs : report;
    case "sprocket":
      return report;
  }
}

/**
 * The outputs under their full names, all of those that are declared.
 * @throws TaskError without retry naming a declared output that is not there
 */
export function completeOutputs(definition: Definition, values: Outputs): Outputs {
  const prefix = `${definition.name}.`;
  const named = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key.startsWith(prefix) ? key : `${prefix}${key}`, value]),
  );
  for (const { name, type } of definition.outputs ?? []) {
    if (name.endsWith(".*") || type?.optional) continue;
    if ((named[`${prefix}${name}`] ?? null) === null) {
      throw new TaskError(`the run ended well, but its output ${prefix}${name} is missing`, { retry: false });
    }
  }
  return named;
}

/** A JSON file of bounded size; undefined if there is none or it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    const { size, isFile } = await Deno.stat(path);
    if (!isFile || size > MAX_OUTPUTS_BYTES) return undefined;
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined; // the caller tells what that means
  }
}

async function findFile(folder: string, name: string, depth: number): Promise<string | undefined> {
  const folders: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name === name) return join(folder, name);
    if (entry.isDirectory) folders.push(entry.name);
  }
  if (depth === MAX_SEARCH_DEPTH) return undefined;
  for (const inner of folders.sort()) {
    const found = await findFile(join(folder, inner), name, depth + 1);
    if (found !== undefined) return found;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
