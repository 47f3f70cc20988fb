/** A WDL document with everything it imports, and what of it shall run. Pure. */
import { posix } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import { type Definition, type Document, readDocument } from "./document.ts";
import { WdlSyntaxError } from "./tokens.ts";
import type { Struct, WdlType } from "./types.ts";

/** The name that the document itself is staged under. */
export const MAIN = "_submitted.wdl";

/** Documents by the names that they are staged under. */
export interface Bundle {
  readonly sources: ReadonlyMap<string, string>;
  readonly documents: ReadonlyMap<string, Document>;
  /** Of all documents, also under the names that imports give them. */
  readonly structs: ReadonlyMap<string, Struct>;
}

/** What is run. */
export interface Target {
  readonly definition: Definition;
  /** The task was asked for by name. */
  readonly chosen: boolean;
}

/**
 * Reads the document and its imports, each of which must be among those given.
 * @throws TaskError without retry for what is no WDL, for a missing import, and for one that is no relative path
 * inside the folder of the document
 */
export function readBundle(wdl: string, imports: Readonly<Record<string, string>>): Bundle {
  const sources = new Map([[MAIN, wdl]]);
  for (const [name, text] of Object.entries(imports)) {
    const staged = insideName(name);
    if (staged === undefined || sources.has(staged)) {
      throw bad(`imports: ${JSON.stringify(name)} is no relative path of a file of its own`);
    }
    sources.set(staged, text);
  }
  const documents = new Map([...sources].map(([name, text]) => [name, readOne(name, text)]));
  const structs = new Map<string, Struct>();
  for (const [name, document] of documents) {
    for (const [struct, members] of document.structs) structs.set(struct, members);
    for (const { uri } of document.imports) importedName(name, uri, sources);
  }
  for (const { imports } of documents.values()) {
    for (const { old, name } of imports.flatMap(({ aliases }) => aliases)) {
      if (structs.has(old)) structs.set(name, structs.get(old)!);
    }
  }
  return { sources, documents, structs };
}

/**
 * The workflow; without one the task that is named, or the only one.
 * @throws TaskError without retry where there is none, or more than one to choose from
 */
export function chooseTarget({ definitions }: Document, task: string | undefined): Target {
  const tasks = definitions.filter(({ kind }) => kind === "task");
  const names = tasks.map(({ name }) => name).join(", ") || "none";
  if (task !== undefined) {
    const definition = tasks.find(({ name }) => name === task);
    if (!definition) throw bad(`the WDL has no task ${JSON.stringify(task)} (its tasks: ${names})`);
    return { definition, chosen: true };
  }
  const workflow = definitions.find(({ kind }) => kind === "workflow");
  if (workflow) return { definition: workflow, chosen: false };
  if (tasks.length === 1) return { definition: tasks[0], chosen: true };
  throw bad(`the WDL has no workflow; name one of its tasks in options.task (its tasks: ${names})`);
}

/**
 * The type of an input by its path below the target: `name`, `call.name`, `call.call.name`. `free` for what overrides
 * a task's runtime, which has no declaration; undefined for what the WDL does not know.
 */
export function inputType(
  bundle: Bundle,
  definition: Definition,
  path: readonly string[],
  document = MAIN,
): WdlType | "free" | undefined {
  const [first, ...rest] = path;
  if (rest.length === 0) return definition.inputs.find(({ name }) => name === first)?.type;
  if (definition.kind === "task") {
    return ["runtime", "requirements", "hints"].includes(first) ? "free" : undefined;
  }
  const call = definition.calls.find(({ name }) => name === first);
  const callee = call && findCallee(bundle, call.callee, document);
  return callee && inputType(bundle, callee.definition, rest, callee.document);
}

function findCallee(
  bundle: Bundle,
  callee: string,
  document: string,
): { definition: Definition; document: string } | undefined {
  const parts = callee.split(".");
  const name = parts.pop()!;
  let place = document;
  for (const namespace of parts) {
    const found = bundle.documents.get(place)!.imports.find((one) => one.namespace === namespace);
    if (!found) return undefined;
    place = importedName(place, found.uri, bundle.sources);
  }
  const definition = bundle.documents.get(place)!.definitions.find((one) => one.name === name);
  return definition && { definition, document: place };
}

/** @throws TaskError without retry for what is no WDL */
export function readOne(name: string, text: string): Document {
  try {
    return readDocument(text);
  } catch (error) {
    if (!(error instanceof WdlSyntaxError)) throw error;
    throw bad(
      `${name === MAIN ? "the WDL" : `the imported ${name}`} does not parse: ${error.message}`,
      error,
    );
  }
}

/** The name that an import's document is staged under. Addresses have been fetched and replaced before. */
function importedName(importer: string, uri: string, sources: ReadonlyMap<string, string>): string {
  const shown = JSON.stringify(uri.replace(/[?#].*/s, "").slice(0, 200));
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri)) {
    throw bad(
      `${importer} imports ${shown}: only https addresses are fetched; give the document under imports`,
    );
  }
  const name = uri.startsWith("/") ? undefined : insideName(posix.join(posix.dirname(importer), uri));
  if (name === undefined) throw bad(`${importer} imports ${shown}, which leaves its folder`);
  if (!sources.has(name)) throw bad(`${importer} imports ${shown}, which is not among the imports given`);
  return name;
}

/** The normal form of a relative path that stays inside; undefined for any other. */
function insideName(path: string): string | undefined {
  // deno-lint-ignore no-control-regex -- none of them belongs into a file's name
  if (path === "" || path.length > 255 || path.startsWith("/") || /[\\\x00-\x1f]/.test(path)) {
    return undefined;
  }
  const normal = posix.normalize(path);
  return normal === ".." || normal.startsWith("../") || normal.endsWith("/") || normal === "."
    ? undefined
    : normal;
}

function bad(message: string, cause?: unknown): TaskError {
  return new TaskError(message, { retry: false, cause });
}
