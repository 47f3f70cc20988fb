/**
 * Builds the program as one self-extracting file for this machine, where no base for `deno compile` can be had:
 * a shell script, followed by a tar.gz with Deno itself, the bundled program and the files the bundle loads.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeFlags, SELF_EXTRACTING_VARIABLE } from "../lib/daemon/self.ts";
import { describeExit, runProgram } from "../lib/process.ts";
import { VERSION } from "../lib/version.ts";

/** The payload starts here, so that the script can tell where without knowing its own length. */
const HEADER_BYTES = 4096;

/** Packages that load files from beside their own modules at run time. */
const ASSET_PACKAGES = ["@electric-sql/pglite"];

/** Builds the file at `path`. @throws Error when bundling or packing fails */
export async function buildSelfExtracting(root: string, path: string): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "actp-build-" });
  try {
    const stage = join(work, "stage");
    await bundle(root, stage);
    await Deno.copyFile(Deno.execPath(), join(stage, "deno"));
    await Deno.chmod(join(stage, "deno"), 0o755);
    const archive = join(work, "payload.tar.gz");
    // Without this variable, tar on a Mac adds a file of attributes for every file.
    await run("tar", ["-czf", archive, "-C", stage, "."], { COPYFILE_DISABLE: "1" });
    const program = selfExtracting(await Deno.readFile(archive), VERSION);
    await Deno.writeFile(`${path}.new`, program, { mode: 0o755 });
    await Deno.rename(`${path}.new`, path);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Puts the script in front of a tar.gz that holds `deno` and `main.js`. */
export function selfExtracting(payload: Uint8Array, version: string): Uint8Array {
  const sum = createHash("sha256").update(payload).digest("hex");
  const header = new TextEncoder().encode(script(version, sum));
  if (header.length > HEADER_BYTES) {
    throw new Error(`The script has ${header.length} bytes; raise HEADER_BYTES above that`);
  }
  const file = new Uint8Array(HEADER_BYTES + payload.length).fill(0x0a, 0, HEADER_BYTES);
  file.set(header);
  file.set(payload, HEADER_BYTES);
  return file;
}

/** The names of the files that a bundled module loads from beside itself. */
export function assetsOf(bundled: string): string[] {
  const pattern = /new URL\(\s*["'](?:\.\/)?([\w.-]+\.(?:wasm|data))["']\s*,\s*import\.meta\.url\s*\)/g;
  return [...new Set([...bundled.matchAll(pattern)].map(([, name]) => name!))];
}

/** Whether a bundled module would look for a `require`, which modules have none of: packages in CommonJS do for node: modules. */
export function asksForRequire(bundled: string): boolean {
  return /\btypeof require\b/.test(bundled);
}

/** The module with a `require` of its own. */
export function withRequire(bundled: string): string {
  return `import{createRequire as makeRequire$}from"node:module";const require=makeRequire$(import.meta.url);${bundled}`;
}

async function bundle(root: string, out: string): Promise<void> {
  const options = ["--frozen", "--platform", "deno", "--minify", "--code-splitting", "--outdir", out];
  await run(Deno.execPath(), ["bundle", "-q", ...options, join(root, "main.ts")]);
  const assets = new Set<string>();
  for await (const { name } of Deno.readDir(out)) {
    const text = await Deno.readTextFile(join(out, name));
    for (const asset of assetsOf(text)) assets.add(asset);
    if (asksForRequire(text)) await Deno.writeTextFile(join(out, name), withRequire(text));
  }
  const folders = ASSET_PACKAGES.map((name) => dirname(fileURLToPath(import.meta.resolve(name))));
  for (const asset of assets) await copyFirst(folders.map((folder) => join(folder, asset)), join(out, asset));
}

async function copyFirst(candidates: readonly string[], target: string): Promise<void> {
  for (const candidate of candidates) {
    try {
      return await Deno.copyFile(candidate, target);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(
    `The bundle loads ${basename(target)} and no known package has it; add its package to ASSET_PACKAGES`,
  );
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const signal = AbortSignal.timeout(300_000);
  const result = await runProgram({
    program,
    args,
    env: { ...Deno.env.toObject(), NO_COLOR: "1", ...env },
    signal,
  });
  if (result.code === 0) return;
  throw new Error(`${basename(program)} ${args[0]} ${describeExit(result)}: ${oneLine(result.stderrTail)}`);
}

/** What a tool said on standard error, as one line without Deno's stack traces. */
export function oneLine(stderr: readonly string[]): string {
  const trace = stderr.indexOf("Stack backtrace:");
  return stderr.slice(0, trace < 0 ? undefined : trace).map((line) => line.trim()).filter(Boolean).join(" ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Plain POSIX sh: unpacks once, safely beside other first starts, then becomes the program. */
function script(version: string, sum: string): string {
  const flags = runtimeFlags().map(quoted).join(" ");
  return `#!/bin/sh
# actp-worker ${version} for ${Deno.build.os} ${Deno.build.arch}, self-extracting: unpacks into a private cache once, then runs from there.
set -eu
fail() { echo "actp-worker: $1" >&2; exit 1; }
case $0 in /*) self=$0 ;; *) self=$PWD/$0 ;; esac
[ -n "\${XDG_CACHE_HOME:-}" ] || [ -n "\${HOME:-}" ] || fail 'no folder to unpack into; set HOME or XDG_CACHE_HOME'
cache=\${XDG_CACHE_HOME:-\${HOME:-}/.cache}/actp-worker
program=$cache/${version}-${sum.slice(0, 16)}
temp=
unpack() {
  mask=$(umask)
  umask 077
  mkdir -p "$cache" && chmod 700 "$cache" || fail "cannot use $cache as a private folder; set XDG_CACHE_HOME to one of your own"
  temp=$(mktemp -d "$cache/unpack.XXXXXX") || fail "cannot write to $cache; free some space or set XDG_CACHE_HOME"
  trap 'rm -rf "$temp"' EXIT
  trap 'exit 1' HUP INT TERM
  tail -c +${
    HEADER_BYTES + 1
  } "$self" >"$temp/payload" || fail "cannot write to $cache; free some space or set XDG_CACHE_HOME"
  if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$temp/payload")
  else sum=$(shasum -a 256 <"$temp/payload") || fail 'neither sha256sum nor shasum is there; install one'; fi
  [ "\${sum%% *}" = ${sum} ] || fail "$self is damaged (its sha256 differs); download it again"
  mkdir "$temp/own.$$"
  tar -xozf "$temp/payload" -C "$temp/own.$$" || fail "cannot unpack into $cache; free some space or set XDG_CACHE_HOME"
  # If another first start was quicker, this fails or ends up inside its folder: theirs is used.
  mv "$temp/own.$$" "$program" 2>/dev/null || [ -d "$program" ] || fail "cannot write to $cache"
  rm -rf "$program/own.$$" "$temp"
  trap - EXIT HUP INT TERM
  umask "$mask"
}
[ -e "$program" ] || unpack
[ -x "$program/deno" ] && [ -O "$program/main.js" ] || fail "$program is incomplete or somebody else's; remove it and start again"
export DENO_NO_UPDATE_CHECK=1 ${SELF_EXTRACTING_VARIABLE}="$self"
exec "$program/deno" run -q --no-config --no-lock ${flags} "$program/main.js" "$@"
`;
}
