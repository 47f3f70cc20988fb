/**
 * Checks what the compiler does not: that imports point one way, that packages come from deno.json alone, and
 * that files stay short. `deno run -P scripts/check_imports.ts`; part of `deno task check`.
 */
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { processTerminal } from "../lib/cli/terminal.ts";

/** One source file, named by its path from the project's root. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly string[];
  readonly lines: number;
}

const MAX_LINES = 400;

/** From the top down; a file may import from its own layer and from those below. */
const LAYERS = ["main", "cli", "worker", "parts", "basics"] as const;
type Layer = typeof LAYERS[number];

const DIRECTION = "main → cli → worker → parts → basics";

/** The folders of lib that know nothing of the worker's parts. */
const BASICS = ["task", "database", "config", "log", "process", "net", "outward", "storage"];
/** The single files of lib that are no basics. */
const SINGLE_FILES: Readonly<Record<string, Layer>> = { "lib/worker.ts": "worker", "lib/status.ts": "parts" };

/** Everything that breaks the rules, one line each; nothing when all is well. `packages` is deno.json's import map. */
export function violations(files: readonly SourceFile[], packages: readonly string[]): string[] {
  return files.flatMap((file) => [
    ...file.lines > MAX_LINES
      ? [`${file.path} has ${file.lines} lines, more than ${MAX_LINES}: split it by what its parts are for`]
      : [],
    ...file.imports.flatMap((specifier) => importViolation(file.path, specifier, packages) ?? []),
  ]).concat(loops(files));
}

/** The specifiers that a formatted source file imports, statically or with a literal in `import(…)`. */
export function importsOf(source: string): string[] {
  const patterns = [
    /^(?:import|export)\s[^"'`;=(]*?\bfrom\s*["']([^"'\n]+)["']/gm,
    /^import\s*["']([^"'\n]+)["']/gm,
    /\bimport\(\s*["']([^"'\n]+)["']/g,
  ];
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, specifier]) => specifier!));
}

function importViolation(path: string, specifier: string, packages: readonly string[]): string | undefined {
  const says = `${path} imports ${specifier}`;
  if (!specifier.startsWith(".")) {
    if (specifier.startsWith("node:")) return undefined;
    if (packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined;
    return `${says}: packages come through deno.json; add it to its imports and use its name there`;
  }
  if (isForTests(path) || path.startsWith("scripts/")) return undefined;
  const target = normalize(join(dirname(path), specifier));
  if (isForTests(target)) return `${says}: that is for tests; move what the product needs out of it`;
  if (target.startsWith("scripts/")) {
    return `${says}: scripts are no part of the product; move what it needs to lib`;
  }
  const from = layerOf(path);
  const to = layerOf(target);
  if (path.startsWith("lib/") && isPlugIn(target)) return `${says}: main.ts passes executors and agents in`;
  if (LAYERS.indexOf(to) >= LAYERS.indexOf(from)) return undefined;
  return `${says}: ${from} must not know ${to} (${DIRECTION}); pass it in from above or move it down`;
}

function layerOf(path: string): Layer {
  const [top, folder, ...deeper] = path.split("/");
  if (isPlugIn(path)) return "parts";
  if (["deno.json", "systemd", "launchd"].includes(top!)) return "basics";
  if (top !== "lib") return "main";
  if (path in SINGLE_FILES) return SINGLE_FILES[path]!;
  if (deeper.length === 0 || BASICS.includes(folder!)) return "basics";
  return folder === "cli" ? "cli" : "parts";
}

function isForTests(path: string): boolean {
  return path.startsWith("lib/testing/") || /_(test|bench)\.ts$/.test(path);
}

function isPlugIn(path: string): boolean {
  return path.startsWith("executors/") || path.startsWith("agents/");
}

/** Parts of lib that import each other, directly or around a corner. */
function loops(files: readonly SourceFile[]): string[] {
  const partOf = (path: string) => path.split("/").slice(0, 2).join("/");
  const needs = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    if (isForTests(path) || !path.startsWith("lib/") || layerOf(path) !== "parts") continue;
    const targets = imports.filter((specifier) => specifier.startsWith("."))
      .map((specifier) => normalize(join(dirname(path), specifier)))
      .filter((target) => target.startsWith("lib/") && layerOf(target) === "parts")
      .map(partOf);
    const known = needs.get(partOf(path)) ?? new Set();
    needs.set(partOf(path), known.union(new Set(targets)));
  }
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...needs.get(from) ?? []].some((next) => {
      if (next === from || seen.has(next)) return false;
      return next === to || reaches(next, to, seen.add(next));
    });
  return [...needs].flatMap(([part, targets]) =>
    [...targets].filter((target) => part < target && reaches(target, part))
      .map((target) => `${part} and ${target} import each other; move what both need below them`)
  );
}

/** All TypeScript files of the project. */
async function readProject(root: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  async function visit(folder: string): Promise<void> {
    for await (const entry of Deno.readDir(join(root, folder))) {
      const path = join(folder, entry.name);
      const skipped = entry.name.startsWith(".") || ["node_modules", "dist", "coverage"].includes(path);
      if (entry.isDirectory && !skipped) await visit(path);
      if (!entry.isFile || !entry.name.endsWith(".ts")) continue;
      const source = await Deno.readTextFile(join(root, path));
      files.push({ path, imports: importsOf(source), lines: source.trimEnd().split("\n").length });
    }
  }
  await visit("");
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

if (import.meta.main) {
  const terminal = processTerminal();
  const files = await readProject(fileURLToPath(new URL("..", import.meta.url)));
  const found = violations(files, Object.keys(manifest.imports));
  for (const line of found) terminal.err(line);
  terminal.err(`checked the imports of ${files.length} files: ${found.length || "no"} violations`);
  if (found.length > 0) Deno.exitCode = 1;
}
