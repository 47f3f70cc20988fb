/**
 * Builds the program: `deno task compile [--target NAME|all] [--out dist] [--otel] [--self-extracting]`.
 * Without a target: `dist/actp-worker` for this machine; with one: `dist/actp-worker-<target>`; and SHA256SUMS.
 * --otel: `dist/actp-worker-otel…`, with OpenTelemetry. A compiled program has it only where it was on when it was
 * built, and then cannot do without; a self-extracting one always has it, and OTEL_DENO decides.
 *
 * `deno compile` needs a base (denort) of its own version, which it downloads. Where there is none to be had,
 * DENORT_BIN names one, with ACTP_COMPILE_DENO for the Deno program that it belongs to; else the self-extracting
 * file is built in its place.
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { processTerminal } from "../lib/cli/terminal.ts";
import { runtimeFlags } from "../lib/daemon/self.ts";
import { describeExit, runProgram } from "../lib/process.ts";
import { buildSelfExtracting, oneLine } from "./self_extracting.ts";

const TARGETS = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
} as const;
type Target = keyof typeof TARGETS;

const NAME = "actp-worker";
const OTEL_NAME = `${NAME}-otel`;
const COMPILE_TIMEOUT_MS = 600_000;
/** Deno 2.4 walks deeply nested sources by recursion; those of bintrees, below prom-client, overflow its usual 2 MiB. */
const COMPILE_STACK_BYTES = `${64 * 2 ** 20}`;

/** What to build. */
export interface Build {
  /** The file to make, as a path. */
  readonly path: string;
  /** Another machine's target; this machine's own is undefined. */
  readonly target?: Target;
  readonly selfExtracting: boolean;
  /** With OpenTelemetry. */
  readonly otel?: boolean;
}

/** Where the build runs. */
export interface BuildMachine {
  /** Deno's name of this machine's platform. */
  readonly platform: string;
  /** Whether DENORT_BIN names a base, which is this machine's. */
  readonly ownBase: boolean;
}

/** Reads the command line. @throws Error for anything that cannot be built */
export function readBuilds(args: string[], machine: BuildMachine): Build[] {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string" },
      out: { type: "string", default: "dist" },
      "self-extracting": { type: "boolean", default: false },
      otel: { type: "boolean", default: false },
    },
  });
  const selfExtracting = values["self-extracting"];
  if (selfExtracting && values.otel) {
    throw new Error(
      "--self-extracting has OpenTelemetry in it: leave --otel out, and set OTEL_DENO=true to use it",
    );
  }
  const base = values.otel ? OTEL_NAME : NAME;
  const common = { selfExtracting, ...values.otel && { otel: true } };
  if (values.target === undefined) return [{ path: join(values.out, base), ...common }];
  const names = values.target === "all" ? Object.keys(TARGETS) : [values.target];
  return names.map((name) => {
    if (!Object.hasOwn(TARGETS, name)) {
      throw new Error(`--target ${name} is unknown; give ${Object.keys(TARGETS).join(", ")} or all`);
    }
    const target = name as Target;
    const path = join(values.out, `${base}-${target}`);
    if (TARGETS[target] === machine.platform) return { path, ...common };
    if (selfExtracting) throw new Error(`--self-extracting holds this machine's Deno; build it on ${target}`);
    if (machine.ownBase) {
      throw new Error(`DENORT_BIN is this machine's base; unset it to build for ${target}`);
    }
    return { path, target, ...common };
  });
}

/** The arguments of `deno compile`. `help` is its help text, which tells what this version can do. */
export function compileArguments(build: Build, main: string, help: string): string[] {
  return [
    "compile",
    "-q",
    "--no-check", // `deno task check` does that, and on old versions it would change the lock file
    "--frozen",
    ...runtimeFlags(),
    ...help.includes("--exclude-unused-npm") ? ["--exclude-unused-npm"] : [],
    ...build.target ? ["--target", TARGETS[build.target]] : [],
    "--output",
    build.path,
    main,
  ];
}

/** Why `deno compile` had no base to build on; undefined when it failed for another reason. */
export function missingBase(stderr: readonly string[]): string | undefined {
  const at = stderr.findIndex((line) => line.includes("Setting up base binary"));
  return at < 0 ? undefined : stderr[at + 1]?.replace(/^\s*\d+:\s*/, "") ?? "no reason given";
}

/**
 * The environment of `deno compile`. What it says of OpenTelemetry goes into the program: nothing of the builder's own,
 * and of the program's printed lines nothing is sent, since they are its answers to people. Pure.
 */
export function compileEnvironment(
  { otel }: Pick<Build, "otel">,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const others = Object.entries(env).filter(([name]) => !name.startsWith("OTEL_"));
  return {
    RUST_MIN_STACK: COMPILE_STACK_BYTES,
    ...Object.fromEntries(others),
    NO_COLOR: "1",
    ...otel && { OTEL_DENO: "true", OTEL_DENO_CONSOLE: "ignore" },
  };
}

/** Compiles one program. @returns why there is no base for it, if so. @throws Error when it fails otherwise */
async function compile(build: Build, main: string): Promise<string | undefined> {
  const program = Deno.env.get("ACTP_COMPILE_DENO") || Deno.execPath();
  const env = compileEnvironment(build, Deno.env.toObject());
  const signal = AbortSignal.timeout(COMPILE_TIMEOUT_MS);
  const help = await runProgram({ program, args: ["compile", "--help"], env, signal, tailLines: 1000 });
  const args = compileArguments(build, main, help.stdoutTail.join("\n"));
  const result = await runProgram({ program, args, env, signal });
  if (result.code === 0) return undefined;
  const reason = missingBase(result.stderrTail);
  if (reason !== undefined) return reason;
  throw new Error(`deno compile ${describeExit(result)}: ${oneLine(result.stderrTail)}`);
}

const PROGRAMS = [NAME, OTEL_NAME].flatMap((base) => [
  base,
  ...Object.keys(TARGETS).map((target) => `${base}-${target}`),
]);

/** Writes SHA256SUMS for every program in the folder, as `sha256sum -c` reads it. */
async function writeSums(folder: string): Promise<void> {
  const names = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (PROGRAMS.includes(name)) {
      names.push(name);
    }
  }
  const lines = await Promise.all(
    names.sort().map(async (name) => {
      const sum = createHash("sha256").update(await Deno.readFile(join(folder, name))).digest("hex");
      return `${sum}  ${name}\n`;
    }),
  );
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), lines.join(""));
}

if (import.meta.main) {
  const terminal = processTerminal();
  const root = fileURLToPath(new URL("..", import.meta.url));
  const machine = { platform: Deno.build.target, ownBase: Boolean(Deno.env.get("DENORT_BIN")) };
  try {
    const builds = readBuilds(Deno.args, machine);
    for (const build of builds) {
      const path = resolve(build.path);
      const folder = join(path, "..");
      await Deno.mkdir(folder, { recursive: true });
      const missing = build.selfExtracting ? "" : await compile({ ...build, path }, join(root, "main.ts"));
      if (missing && build.target) throw new Error(`no base to compile for ${build.target} with: ${missing}`);
      if (missing) {
        terminal.err(`no base to compile with, so the program becomes self-extracting: ${missing}`);
      }
      if (missing !== undefined) await buildSelfExtracting(root, path);
      await writeSums(folder);
      terminal.out(`${path} ${((await Deno.stat(path)).size / 1e6).toFixed(0)} MB`);
    }
  } catch (error) {
    terminal.err(`compile: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
