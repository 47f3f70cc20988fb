/** Finds what the owner has put into a folder of the worker's: modules, and folders with a program and its manifest. */
import { basename, join } from "node:path";
import { reasonToRefuse, reasonToRefuseFolder } from "./trust.ts";

/** One kind of things that the owner may add. */
export interface OwnKind<T> {
  /** What a person calls one, e.g. `executor`. */
  readonly noun: string;
  /** The file that says what a folder's program is, e.g. `executor.json`. */
  readonly manifest: string;
  /** What must be one's own, e.g. `type`. */
  readonly key: string;
  keyOf(one: T): string;
  /** @throws Error with what is wrong, in one line */
  loadModule(file: string): Promise<T>;
  /** @throws as `loadModule` does, and NotFound where the manifest is missing */
  loadProgram(folder: string): Promise<T>;
}

/** Something that cannot be used, and why. */
export interface OwnProblem {
  /** Absolute path. */
  readonly file: string;
  /** One line: what is wrong and what to do. */
  readonly reason: string;
}

/** What came of looking: a broken one never keeps the others from working. */
export interface OwnThings<T> {
  readonly found: readonly T[];
  readonly problems: readonly OwnProblem[];
}

const MODULE = /(?<!\.d)\.(ts|mts|js|mjs)$/;
const MAX_ENTRIES = 500;

/** Loads all of them. `reserved`: keys that they must not take, and whose they are. Never throws. */
export async function loadOwn<T>(
  folder: string,
  kind: OwnKind<T>,
  reserved: ReadonlyMap<string, string>,
): Promise<OwnThings<T>> {
  const refused = (reason: string) => ({ found: [], problems: [{ file: folder, reason }] });
  let names: string[];
  try {
    names = await namesIn(folder);
  } catch (error) {
    return refused(`cannot be read: ${(error as Error).message}`);
  }
  if (names.length === 0) return { found: [], problems: [] };
  const against = await reasonToRefuse(folder);
  if (against) return refused(against);
  if (names.length > MAX_ENTRIES) {
    return refused(`holds more than ${MAX_ENTRIES} entries; move away what is no ${kind.noun}`);
  }

  const helpers = await doubtfulHelpers(folder, names);
  const candidates = names.filter((name) => !/^[._]/.test(name) && name !== "node_modules");
  const loaded = await Promise.all(
    candidates.map((name) => load(join(folder, name), kind, helpers.length > 0)),
  );
  const taken = new Map(reserved);
  const found: T[] = [];
  const problems: OwnProblem[] = [...helpers];
  for (const one of loaded) {
    if (!one) continue;
    if ("reason" in one) problems.push(one);
    else {
      const key = kind.keyOf(one.thing);
      if (taken.has(key)) {
        const reason = `its ${kind.key} ${key} is taken by ${taken.get(key)}; choose another`;
        problems.push({ file: one.file, reason });
        continue;
      }
      taken.set(key, one.file);
      found.push(one.thing);
    }
  }
  return { found, problems };
}

/** Sorted, so that of two with one key it is always the same that counts. Empty where there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Any module may import these. */
async function doubtfulHelpers(folder: string, names: readonly string[]): Promise<OwnProblem[]> {
  const helpers = names.filter((name) => name.startsWith("_")).map((name) => join(folder, name));
  const doubts = await Promise.all(
    helpers.map(async (file) => ({ file, reason: await reasonToRefuse(file) })),
  );
  return doubts.flatMap(({ file, reason }) =>
    reason === undefined ? [] : [{ file, reason: `${reason}; until then no module is loaded` }]
  );
}

/** One entry of the folder; undefined for what is none at all. */
async function load<T>(
  path: string,
  kind: OwnKind<T>,
  doubtful: boolean,
): Promise<{ file: string; thing: T } | OwnProblem | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  const isModule = info?.isFile && MODULE.test(path);
  if (info && !info.isDirectory && !isModule) return undefined;
  const file = info?.isDirectory ? join(path, kind.manifest) : path;
  try {
    if (!info) throw new Error("is a link that leads nowhere; remove it");
    const reason = await (isModule ? reasonToRefuse(path) : reasonToRefuseFolder(path));
    if (reason) return { file: path, reason };
    if (isModule) return doubtful ? undefined : { file, thing: await kind.loadModule(path) };
    return { file, thing: await kind.loadProgram(path) };
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound && !isModule;
    const hint = `has no ${kind.manifest}; call it _${basename(path)} if it only holds helpers`;
    return missing ? { file: path, reason: hint } : { file, reason: (error as Error).message };
  }
}
