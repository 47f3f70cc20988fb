/** Reads what the wrapped commands of a Toil 5.9 run noted, and finds its outputs with it. */
import { join } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import type { Definition } from "./document.ts";
import type { Outputs } from "./outputs.ts";
import { tail } from "./tail.ts";
import { EXIT_MARK, type OutputSource, readPrinted } from "./toil59.ts";

/** One execution of a task's command. */
export interface Execution {
  readonly task: string;
  /** Undefined if it did not come to its end. */
  readonly status?: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_VALUE_BYTES = 10 * 2 ** 20;

/** All executions, oldest first. */
export async function readNotes(folder: string): Promise<Execution[]> {
  const found: { at: number; execution: Execution }[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) continue;
    const own = join(folder, name);
    const status = await tail(join(own, "status"));
    found.push({
      at: (await Deno.stat(own)).mtime?.getTime() ?? 0,
      execution: {
        task: name.slice(0, name.lastIndexOf(".")),
        status: status === undefined || status.trim() === "" ? undefined : Number(status),
        stdout: join(own, "stdout"),
        stderr: join(own, "stderr"),
      },
    });
  }
  return found.sort((a, b) => a.at - b.at).map(({ execution }) => execution);
}

/** What a command that failed left: its task, its exit status and the end of what it printed on stderr. */
export interface FailedCommand {
  readonly task: string;
  readonly status: number;
  readonly stderr: string;
}

/** The first command that failed, if any: one that was noted, or one in a container whose log says so. */
export async function failedCommand(
  executions: readonly Execution[],
  tasks: readonly Definition[],
  run: string,
): Promise<FailedCommand | undefined> {
  const failed = executions.find(({ status }) => status !== undefined && status !== 0);
  if (failed) {
    return { task: failed.task, status: failed.status!, stderr: await tail(failed.stderr) ?? "" };
  }
  for (const { name } of tasks) {
    const log = await tail(join(run, `${name}.log`)) ?? "";
    const status = log.match(new RegExp(`^${EXIT_MARK} (\\d+)$`, "m"))?.[1];
    if (status !== undefined) return { task: name, status: Number(status), stderr: log };
  }
}

/**
 * The outputs by the plan that was made before the run. Files are checked when they are kept.
 * @throws TaskError without retry for a value that was not printed
 */
export async function collectOutputs(
  sources: ReadonlyMap<string, OutputSource>,
  executions: readonly Execution[],
  run: string,
): Promise<Outputs> {
  const outputs: Record<string, unknown> = {};
  for (const [name, source] of sources) {
    outputs[name] = source.from === "literal"
      ? source.value
      : source.from === "file"
      ? join(run, source.name)
      : await printed(name, source, executions);
  }
  return outputs;
}

async function printed(
  name: string,
  source: Extract<OutputSource, { from: "printed" }>,
  executions: readonly Execution[],
): Promise<unknown> {
  // Toil may have run it again: the last one counts.
  const path = executions.findLast(({ task }) => task === source.task)?.[source.stream];
  const missing = (why: string) => new TaskError(`the output ${name} is missing: ${why}`, { retry: false });
  if (path === undefined) throw missing(`${source.task} was not run`);
  if (!source.read) return path;
  const { size } = await Deno.stat(path);
  if (size > MAX_VALUE_BYTES) throw missing(`${source.task} printed ${size} bytes`);
  const value = readPrinted(await Deno.readTextFile(path), source.read);
  if (value === undefined) throw missing(`${source.task} printed nothing that ${source.read} can read`);
  return value;
}
