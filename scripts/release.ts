/**
 * Makes all files of a release: `deno run -P scripts/release.ts --url ADDRESS [--homepage ADDRESS] [--out dist/release]`.
 * The programs of all targets, the man page, completions, install.sh, the Homebrew formula, and SHA256SUMS over them.
 * `--url` is where the files will be downloaded from; with `--no-build` the programs must be in the folder already.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { commandTable } from "../lib/cli/command_table.ts";
import { completionScript, SHELLS } from "../lib/cli/completion_scripts.ts";
import { buildProgram } from "../lib/cli/program.ts";
import { processTerminal } from "../lib/cli/terminal.ts";
import { fileSum } from "../lib/release/sums.ts";
import { VERSION } from "../lib/version.ts";
import { manPage } from "./man_page.ts";
import {
  homebrewFormula,
  installScript,
  RELEASE_TARGETS,
  type ReleaseTarget,
  requireAddress,
} from "./release/files.ts";

const programName = (target: ReleaseTarget) => `actp-worker-${target}`;

/** What to make. */
export interface ReleaseOptions {
  /** Holds the programs already, or is where they are built. */
  readonly out: string;
  readonly url: string;
  readonly homepage: string;
}

/** Writes everything but the programs, which are there. @returns the files' names, sorted */
export async function writeReleaseFiles({ out, url, homepage }: ReleaseOptions): Promise<string[]> {
  const facts = { version: VERSION, url, homepage };
  const sums = Object.fromEntries(
    await Promise.all(RELEASE_TARGETS.map(async (target) => [target, await programSum(out, target)])),
  ) as Record<ReleaseTarget, string>;
  const table = commandTable(buildProgram(
    {
      terminal: processTerminal(),
      env: {},
      cwd: out,
      executors: () => Promise.resolve({ executors: [], problems: [] }),
      builtInTypes: [],
    },
    Deno.exit,
  ));
  const texts: Record<string, string> = {
    "actp-worker.1": manPage(table, VERSION),
    "actp-worker.rb": homebrewFormula(facts, sums),
    "install.sh": installScript(facts),
    ...Object.fromEntries(SHELLS.map((shell) => [`actp-worker.${shell}`, completionScript(shell, table)])),
  };
  for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(join(out, name), text);
  await Deno.chmod(join(out, "install.sh"), 0o755);
  const names = [...RELEASE_TARGETS.map(programName), ...Object.keys(texts)].sort();
  const lines = await Promise.all(names.map(async (name) => `${await fileSum(join(out, name))}  ${name}\n`));
  await Deno.writeTextFile(join(out, "SHA256SUMS"), lines.join(""));
  return [...names, "SHA256SUMS"];
}

async function programSum(out: string, target: ReleaseTarget): Promise<string> {
  try {
    return await fileSum(join(out, programName(target)));
  } catch (error) {
    throw new Error(
      `${join(out, programName(target))} cannot be read: ${(error as Error).message}; build it first`,
    );
  }
}

async function buildPrograms(root: string, out: string): Promise<void> {
  const { runtimeFlags } = await import("../lib/daemon/self.ts");
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", ...runtimeFlags(), join(root, "scripts/compile.ts"), "--target", "all", "--out", out],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the programs could not be built; see above");
}

if (import.meta.main) {
  const terminal = processTerminal();
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        url: { type: "string" },
        homepage: { type: "string" },
        out: { type: "string", default: join(root, "dist", "release") },
        tag: { type: "string" },
        build: { type: "boolean", default: true },
      },
    });
    if (values.tag !== undefined && values.tag !== `v${VERSION}`) {
      throw new Error(`the tag ${values.tag} is not v${VERSION}, which deno.json says; correct one of them`);
    }
    const url = requireAddress("--url", values.url);
    const homepage = values.homepage === undefined ? url : requireAddress("--homepage", values.homepage);
    await Deno.mkdir(values.out, { recursive: true });
    if (values.build) await buildPrograms(root, values.out);
    for (const name of await writeReleaseFiles({ out: values.out, url, homepage })) {
      terminal.out(join(values.out, name));
    }
  } catch (error) {
    terminal.err(`release: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
