/** Brings the files that a run made to where they outlive it. */
import { basename, isAbsolute, join, relative } from "node:path";
import { isInside } from "../../lib/paths.ts";
import { TaskError } from "../../lib/task/task.ts";
import type { Definition } from "./document.ts";
import type { Outputs } from "./outputs.ts";
import { type FileVisitor, mapFiles, type Struct, WdlValueError } from "./types.ts";

/** Where results come from and go to: absolute, real paths. */
export interface ResultPlaces {
  /** What relative paths are relative to. */
  readonly run: string;
  /** Folders whose files may be results: the attempt's own, and those of its inputs. */
  readonly allowed: readonly string[];
  /** The task's own folder among the results. */
  readonly folder: string;
}

const MAX_FILES = 100_000;

/**
 * Copies every File and Directory among the outputs to `<folder>/<output>/…` and returns the outputs with the new
 * paths. All are copied before any takes the place of what an earlier attempt left there.
 * @throws TaskError without retry for a file that is missing or lies where a run's results cannot be
 */
export async function keepResults(
  outputs: Outputs,
  definition: Definition,
  structs: ReadonlyMap<string, Struct>,
  places: ResultPlaces,
): Promise<Outputs> {
  const part = join(places.folder, `.${crypto.randomUUID()}.part`);
  const copier = new Copier(places, part);
  const kept: Record<string, unknown> = {};
  try {
    for (const [key, value] of Object.entries(outputs)) {
      const name = key.slice(definition.name.length + 1);
      const type = definition.outputs?.find((output) => output.name === name)?.type;
      kept[key] = type
        ? await mapFiles(value, type, structs, copier.visit, [name])
        : await keepUndeclared(value, copier, [name]);
    }
    await copier.install();
  } catch (error) {
    throw error instanceof WdlValueError
      ? new TaskError(`the output ${error.message}`, { retry: false, cause: error })
      : error;
  } finally {
    await Deno.remove(part, { recursive: true }).catch(() => {}); // gone when everything is in its place
  }
  return kept;
}

/** Draft-2 may leave outputs undeclared: what names a file of the run is a file. */
async function keepUndeclared(value: unknown, copier: Copier, path: readonly string[]): Promise<unknown> {
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const [i, item] of value.entries()) {
      items.push(await keepUndeclared(item, copier, [...path, `${i}`]));
    }
    return items;
  }
  if (typeof value === "object" && value !== null) {
    const entries: [string, unknown][] = [];
    for (const [key, item] of Object.entries(value)) {
      entries.push([key, await keepUndeclared(item, copier, [...path, key])]);
    }
    return Object.fromEntries(entries);
  }
  if (typeof value !== "string" || !isAbsolute(value)) return value;
  return await copier.ofRun(value) ? await copier.visit(value, "File", path) : value;
}

class Copier {
  readonly #places: ResultPlaces;
  readonly #part: string;
  readonly #made = new Set<string>();
  #files = 0;

  constructor(places: ResultPlaces, part: string) {
    this.#places = places;
    this.#part = part;
  }

  readonly visit: FileVisitor = async (name, kind, path) => {
    const shown = `the output ${path.join(".")}`;
    const source = await Deno.realPath(isAbsolute(name) ? name : join(this.#places.run, name)).catch(
      (cause) => {
        throw final(`${shown} is missing: there is no ${JSON.stringify(basename(name))}`, cause);
      },
    );
    if (!this.#places.allowed.some((folder) => isInside(folder, source))) {
      throw final(`${shown} lies outside the run's own folder; only files that the run made are results`);
    }
    const info = await Deno.stat(source);
    if (kind === "File" ? !info.isFile : !info.isDirectory) {
      throw final(`${shown} is no regular ${kind.toLowerCase()}`);
    }
    const target = join(...path.map(folderName), basename(name));
    await Deno.mkdir(join(this.#part, ...path.map(folderName)), { recursive: true });
    await this.#copy(source, join(this.#part, target), info.isDirectory);
    this.#made.add(folderName(path[0]));
    return join(this.#places.folder, target);
  };

  /** Whether a path names a regular file that the run may have made. */
  async ofRun(path: string): Promise<boolean> {
    const source = await Deno.realPath(path).catch(() => undefined);
    if (source === undefined || !isInside(this.#places.allowed[0], source)) return false;
    return (await Deno.stat(source)).isFile;
  }

  /** Puts the copies in their place. */
  async install(): Promise<void> {
    for (const name of this.#made) {
      const place = join(this.#places.folder, name);
      await Deno.remove(place, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
      await Deno.rename(join(this.#part, name), place);
    }
  }

  async #copy(source: string, target: string, folder: boolean): Promise<void> {
    if (++this.#files > MAX_FILES) throw final(`the outputs are more than ${MAX_FILES} files`);
    if (!folder) return await Deno.copyFile(source, target);
    await Deno.mkdir(target);
    for await (const entry of Deno.readDir(source)) {
      const inner = join(source, entry.name);
      if (entry.isSymlink) {
        const shown = relative(this.#places.run, inner);
        throw final(`the output folder holds a symbolic link (${shown}); results must be files of their own`);
      }
      await this.#copy(inner, join(target, entry.name), entry.isDirectory);
    }
  }
}

/** Names of outputs, members and numbers are kept; other keys of maps become harmless. */
function folderName(step: string): string {
  return /^\w[\w.-]{0,99}$/.test(step)
    ? step
    : `_${encodeURIComponent(step).replaceAll("*", "%2A").slice(0, 100)}`;
}

function final(message: string, cause?: unknown): TaskError {
  return new TaskError(message, { retry: false, cause });
}
