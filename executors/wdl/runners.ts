/** The programs that run WDL: which of them is here, and how it is called. */
import { basename, dirname, join, resolve } from "node:path";
import { baseEnvironment } from "../../lib/process.ts";
import type { ProgramVersions } from "../../lib/process/program_version.ts";
import type { Stage } from "./staging.ts";

/** `toil59` is the runner of Toil up to 5.9, which has little in common with its successor. */
export type RunnerKind = "miniwdl" | "sprocket" | "cromwell" | "toil" | "toil59";

/** What the configuration may ask for. */
export type RunnerChoice = "auto" | "miniwdl" | "cromwell" | "sprocket" | "toil";

/** A runner on this machine. */
export interface Runner {
  readonly kind: RunnerKind;
  readonly program: string;
  /** What stands before the runner's own arguments: `-jar cromwell.jar`. */
  readonly prefix: readonly string[];
  readonly version: string;
}

/** Why there is no runner, and what to do about it. */
export interface NoRunner {
  readonly reason: string;
  readonly fix: string;
}

const PROGRAMS = { miniwdl: "miniwdl", sprocket: "sprocket", cromwell: "cromwell", toil: "toil-wdl-runner" };
type Family = keyof typeof PROGRAMS;
/** The order of `auto`. */
const FAMILIES: readonly Family[] = ["miniwdl", "sprocket", "cromwell", "toil"];
const INSTALL: Record<Family, string> = {
  miniwdl: "pip install miniwdl",
  sprocket: "install sprocket",
  cromwell: "download cromwell.jar, install Java and set WDL_RUNNER_PATH to the .jar",
  toil: "pip install 'toil[wdl]' or apt-get install toil",
};
const VERSION_TIMEOUT_MS = 30_000;
/** `miniwdl v1.12.0`, `sprocket 0.19.0`, `cromwell 86`, `8.0.0`. */
const VERSION = /^(?:(?:miniwdl|sprocket|cromwell|toil)\s+)?v?(\d+(?:\.\d+)*\S*)$/i;

/** What people call it. */
export function runnerName({ kind }: Pick<Runner, "kind">): string {
  return {
    miniwdl: "miniwdl",
    sprocket: "Sprocket",
    cromwell: "Cromwell",
    toil: "Toil",
    toil59: "Toil",
  }[kind];
}

/** Finds the configured runner, or the first that is here. Asks it for its version, which takes seconds once. */
export async function findRunner(
  choice: RunnerChoice,
  path: string | undefined,
  versions: ProgramVersions,
): Promise<Runner | NoRunner> {
  const families = choice === "auto" ? FAMILIES.filter((family) => mayBe(family, path)) : [choice];
  if (families.length === 0) {
    return {
      reason: `WDL_RUNNER_PATH is ${path}, whose name does not tell which runner it is`,
      fix: "set WDL_RUNNER to miniwdl, cromwell, sprocket or toil",
    };
  }
  let broken: NoRunner | undefined;
  for (const family of families) {
    const found = await look(family, path ?? PROGRAMS[family], versions);
    if (found && "kind" in found) return found;
    broken ??= found;
  }
  const names = families.map((family) => path ?? PROGRAMS[family]).join(", ");
  return broken ?? {
    reason: `no WDL runner was found (${names})`,
    fix: path ? "correct WDL_RUNNER_PATH" : `${INSTALL[families[0]]}; or set WDL_RUNNER_PATH`,
  };
}

/** Where the configuration gives a path but no kind, the program's name tells the kind. */
function mayBe(family: Family, path: string | undefined): boolean {
  if (path === undefined) return true;
  const name = basename(path).toLowerCase();
  return name.includes(family) || (family === "cromwell" && name.endsWith(".jar"));
}

async function look(
  family: Family,
  path: string,
  versions: ProgramVersions,
): Promise<Runner | NoRunner | undefined> {
  const jar = family === "cromwell" && path.endsWith(".jar");
  if (jar && !(await Deno.stat(path).catch(() => undefined))?.isFile) return undefined;
  const prefix = jar ? ["-jar", resolve(path)] : [];
  const ask = (program: string, args: string[], pattern: RegExp) =>
    versions.ask({ program, args, pattern, timeoutMs: VERSION_TIMEOUT_MS });
  const answer = await ask(jar ? "java" : path, [...prefix, "--version"], VERSION);
  if (!answer.found) {
    return jar
      ? { reason: "Java was not found, which runs Cromwell", fix: "install a Java runtime" }
      : undefined;
  }
  const { path: program } = answer;
  if (answer.version !== undefined) return { kind: family, program, prefix, version: answer.version };
  if (family === "toil") {
    // Toil's old runner has no --version, but an option of its own; the program `toil` beside it tells the version.
    const old = await ask(program, ["--help"], /(--destBucket)/);
    if (old.found && old.version !== undefined) {
      const toil = await ask(join(dirname(program), "toil"), ["--version"], /^(\d+\.\d\S*)$/);
      return { kind: "toil59", program, prefix, version: toil.found && toil.version || "5" };
    }
  }
  return { reason: answer.problem, fix: "run it by hand to see why, and reinstall it" };
}

/** How to run the stage. A task is named only where it was asked for, or is all there is. */
export function invocation(runner: Runner, stage: Stage, inputs: boolean, task?: string): string[] {
  const own = (() => {
    switch (runner.kind) {
      case "miniwdl": {
        const target = task === undefined ? [] : ["--task", task];
        const results = ["-d", `${stage.run}/.`, "--error-json", "-o", stage.outputs];
        return ["run", stage.wdl, "-i", stage.inputs, ...results, ...target];
      }
      case "sprocket": {
        const target = task === undefined ? [] : ["--target", task];
        return ["run", stage.wdl, ...inputs ? [`@${stage.inputs}`] : [], "-o", stage.run, ...target];
      }
      case "cromwell":
        return ["run", stage.wdl, "-i", stage.inputs, "-m", stage.outputs];
      case "toil":
        return [stage.wdl, "-i", stage.inputs, "-o", stage.run, "-m", stage.outputs];
      case "toil59":
        return [stage.wdl, stage.inputs, "-o", stage.run, "--jobStore", `file:${join(stage.temp, "jobs")}`];
    }
  })();
  return [...runner.prefix, ...own];
}

/** What container tools and runners need to find their own configuration; passed on where it is set. */
const PASSED_ON = [
  ..."DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG XDG_RUNTIME_DIR SINGULARITY_CACHEDIR APPTAINER_CACHEDIR".split(
    " ",
  ),
  ..."JAVA_HOME MINIWDL_CFG SPROCKET_CONFIG".split(" "),
];

/** The runner's environment; its temporary files go to `temp`. */
export function runnerEnvironment(temp?: string): Record<string, string> {
  const environment: Record<string, string> = { ...baseEnvironment(), NO_COLOR: "1" };
  for (const name of PASSED_ON) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  return temp === undefined ? environment : { ...environment, TMPDIR: temp };
}
