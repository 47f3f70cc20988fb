/** A run's inputs: which are files, and where those are on this machine. */
import { basename, isAbsolute, join } from "node:path";
import { download } from "../../lib/net/download.ts";
import { isInside, resolveInside } from "../../lib/paths.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import type { FileSettings } from "../ffmpeg/files.ts";
import { type Bundle, inputType, type Target } from "./bundle.ts";
import { type FileVisitor, mapFiles, WdlValueError } from "./types.ts";

const MAX_FILES = 10_000;
const MAX_DOCUMENT_BYTES = 2_000_000;

/** By `<target>.<path>`, ready for the runner: files are absolute paths. */
export type ReadyInputs = Record<string, unknown>;

/**
 * Finds every File and Directory input. Local ones lie in `base_dir` if there is one, else in an input folder; they
 * do not leave it, by symlinks neither. Addresses are downloaded.
 * @throws TaskError, without retry for what the task says wrong
 */
export async function readyInputs(
  inputs: Readonly<Record<string, unknown>>,
  bundle: Bundle,
  target: Target,
  place: FileVisitor,
): Promise<ReadyInputs> {
  const { name, kind } = target.definition;
  const ready: ReadyInputs = {};
  let files = 0;
  for (const [key, value] of Object.entries(inputs)) {
    if (key.startsWith("#")) continue; // a comment, by Cromwell's custom
    const path = key.split(".");
    const inside = path[0] === name && path.length > 1 ? path.slice(1) : path;
    const type = path[0] === name || path.length === 1
      ? inputType(bundle, target.definition, inside)
      : undefined;
    if (type === undefined) {
      const known = target.definition.inputs.map((input) => `${name}.${input.name}`).join(", ") || "none";
      throw bad(`inputs: the ${kind} ${name} has no input ${JSON.stringify(key)} (it has: ${known})`);
    }
    const full = [name, ...inside].join(".");
    ready[full] = type === "free"
      ? value
      : await mapFiles(value, type, bundle.structs, (file, kind, where) => {
        if (++files > MAX_FILES) throw bad(`inputs: more than ${MAX_FILES} files`);
        return place(file, kind, where);
      }, [full]).catch((error) => {
        throw error instanceof WdlValueError ? bad(`inputs: ${error.message}`, error) : error;
      });
  }
  return ready;
}

/**
 * Opens the folder that the task names as its base.
 * @throws TaskError without retry when it is not there or not inside the input folders
 */
export async function openBase(roots: readonly string[], baseDir: string): Promise<string> {
  const found = await firstInside(roots, baseDir);
  if (found !== undefined && (await Deno.stat(found)).isDirectory) return found;
  throw bad(
    `options.base_dir: there is no folder ${
      JSON.stringify(baseDir)
    } inside the input folders (TASK_INPUT_ROOTS)`,
  );
}

/** Finds files in `base`, or in the input folders without one; downloads into a folder `downloads`. */
export function filePlacer(
  base: string | undefined,
  settings: FileSettings,
  context: Pick<ExecutionContext, "tempDir" | "signal" | "progress">,
): FileVisitor {
  let downloads = 0;
  return async (name, kind, path) => {
    const where = path.join(".");
    if (/^https?:\/\//i.test(name) && kind === "File") {
      const folder = join(context.tempDir, "downloads", `${++downloads}`);
      await Deno.mkdir(folder, { recursive: true });
      const file = join(folder, fileName(name));
      context.progress({ message: `downloading ${where}` });
      await download({
        url: name,
        file,
        maxBytes: settings.maxDownloadBytes,
        timeoutMs: settings.downloadTimeoutSeconds * 1000,
        allowPrivate: settings.allowPrivateUrls,
        signal: context.signal,
      });
      return file;
    }
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) {
      throw bad(`inputs: ${where} is an address that is not fetched; only https, http and local files are`);
    }
    const found = await firstInside(base === undefined ? settings.inputRoots : [base], name);
    const info = found === undefined ? undefined : await Deno.stat(found);
    if (found !== undefined && (kind === "File" ? info?.isFile : info?.isDirectory)) return found;
    const wanted = kind === "File" ? "file" : "folder";
    const inside = base === undefined ? "the input folders (TASK_INPUT_ROOTS)" : "options.base_dir";
    throw bad(`inputs: ${where}: there is no ${wanted} ${JSON.stringify(name)} inside ${inside}`);
  };
}

/** Fetches WDL documents over https, or over http where private addresses are allowed, too. */
export function documentFetcher(
  settings: FileSettings,
  { tempDir, signal, progress }: Pick<ExecutionContext, "tempDir" | "signal" | "progress">,
): (url: string) => Promise<string> {
  return async (url) => {
    const shown = url.replace(/[?#].*/s, "");
    if (!/^https:/i.test(url) && !settings.allowPrivateUrls) {
      throw bad(`the import ${shown} is not fetched: documents are fetched over https only`);
    }
    const file = join(tempDir, `document-${crypto.randomUUID()}`);
    progress({ message: `fetching ${shown}` });
    await download({
      url,
      file,
      maxBytes: Math.min(MAX_DOCUMENT_BYTES, settings.maxDownloadBytes),
      timeoutMs: settings.downloadTimeoutSeconds * 1000,
      allowPrivate: settings.allowPrivateUrls,
      signal,
    });
    const text = await Deno.readTextFile(file);
    await Deno.remove(file);
    return text;
  };
}

/** Absent, unreadable and outside are the same to the caller: a task must not learn which. */
async function firstInside(roots: readonly string[], path: string): Promise<string | undefined> {
  for (const root of roots) {
    try {
      const found = await Deno.realPath(isAbsolute(path) ? path : await resolveInside(root, path));
      if (isInside(await Deno.realPath(root), found)) return found;
    } catch {
      // perhaps in the next one
    }
  }
}

/** WDL sees files' names, so a download keeps its own as far as it is harmless. */
function fileName(url: string): string {
  const last = basename(URL.parse(url)?.pathname ?? "").replaceAll(/[^\w.+-]/g, "_").slice(-100);
  return /^\.*$/.test(last) ? "input" : last;
}

function bad(message: string, cause?: unknown): TaskError {
  return new TaskError(message, { retry: false, cause });
}
