/**
 * What lies in the folder of the embedded database: `data`, and beside it what a restore makes and sets aside. Who
 * calls these functions holds the folder's lock.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { flushTree, removeAll, renameDurably, writeDurably } from "./dump/durable.ts";
import { VERSION } from "../version.ts";

/** The files of the folder. */
export const EMBEDDED_FILES = {
  data: "data",
  /** Being made; worthless after a crash. */
  draft: "data.new",
  /** Whole and flushed, to take the place of `data`. */
  restored: "data.restored",
  currentDump: "current_dump.json",
  madeBy: "made_by.json",
  snapshots: "snapshots",
} as const;

/** Data that a restore has replaced is kept, under this name and the time. */
const ASIDE = /^data\.replaced-\d{8}T\d{9}Z$/;
const KEPT_ASIDE = 2;

/** Data that was set aside. */
export interface Aside {
  readonly path: string;
  /** Wall-clock ms. */
  readonly at: number;
}

/** A dump that holds all that is in the data, as long as nobody has opened that since. */
export interface CurrentDump {
  readonly file: string;
  readonly sha256: string;
}

/** The major version of PostgreSQL that made the data, "unknown" where it does not tell; undefined without data. */
export async function dataMajor(folder: string): Promise<string | undefined> {
  const data = join(folder, EMBEDDED_FILES.data);
  return await exists(data) ? await majorOf(data) ?? "unknown" : undefined;
}

/** Makes the data beside its final place, so that what a crash cut short is never taken for whole. */
export async function makeData(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const draft = await emptyDraft(folder);
  await fill(draft);
  await Deno.rename(draft, join(folder, EMBEDDED_FILES.data));
}

/** The path of the draft, where nothing lies any more. */
export async function emptyDraft(folder: string): Promise<string> {
  const draft = join(folder, EMBEDDED_FILES.draft);
  await removeAll(draft);
  return draft;
}

/**
 * Puts the finished draft in the place of `data`, which is set aside. A crash on the way is made good by
 * {@link finishSwap}. @returns where the former data is, if there was any
 */
export async function swapIn(folder: string, now: number): Promise<string | undefined> {
  const draft = join(folder, EMBEDDED_FILES.draft);
  await flushTree(draft);
  await renameDurably(draft, join(folder, EMBEDDED_FILES.restored));
  return await finishSwap(folder, now);
}

/** Ends what a crash has interrupted: from the moment on that `data.restored` is there, it is what shall be. */
export async function finishSwap(folder: string, now: number): Promise<string | undefined> {
  const restored = join(folder, EMBEDDED_FILES.restored);
  if (!await exists(restored)) return undefined;
  const aside = await setAside(folder, now);
  await removeAll(join(folder, EMBEDDED_FILES.currentDump));
  await renameDurably(restored, join(folder, EMBEDDED_FILES.data));
  for (const { path } of (await listAsides(folder)).slice(KEPT_ASIDE)) await removeAll(path);
  return aside;
}

/**
 * Puts back what a restore has replaced, the newest that this PostgreSQL can open; what is there now is set aside.
 * @returns whether there was any
 */
export async function undoSwap(folder: string, major: string, now: number): Promise<boolean> {
  for (const { path } of await listAsides(folder)) {
    if (await majorOf(path) !== major) continue;
    await renameDurably(path, join(folder, EMBEDDED_FILES.restored));
    await finishSwap(folder, now);
    return true;
  }
  return false;
}

/** What was set aside, the newest first. */
export async function listAsides(folder: string): Promise<Aside[]> {
  const found: Aside[] = [];
  for await (const { name, isDirectory } of readFolder(folder)) {
    if (!isDirectory || !ASIDE.test(name)) continue;
    const path = join(folder, name);
    found.push({ path, at: timeOfName(name) });
  }
  return found.toSorted((a, b) => b.at - a.at);
}

/**
 * Remembers, after the data was closed, that the dump holds all of it. PostgreSQL writes `pg_control` whenever it opens
 * and closes a folder, so that its sum tells whether anybody has since: this program or another.
 */
export async function rememberCurrentDump(folder: string, { file, sha256 }: CurrentDump): Promise<void> {
  const control = await controlSum(folder);
  await writeDurably(
    join(folder, EMBEDDED_FILES.currentDump),
    JSON.stringify({ file, sha256, control }) + "\n",
  );
}

/** The dump that provably holds all that is in the data; undefined where none does. */
export async function currentDump(folder: string): Promise<CurrentDump | undefined> {
  try {
    const { file, sha256, control } = JSON.parse(
      await Deno.readTextFile(join(folder, EMBEDDED_FILES.currentDump)),
    );
    if (typeof file !== "string" || typeof sha256 !== "string") return undefined;
    return control === await controlSum(folder) ? { file, sha256 } : undefined;
  } catch {
    return undefined; // none, or spoilt: nothing is proven
  }
}

/** To be called before the data is opened. */
export async function forgetCurrentDump(folder: string): Promise<void> {
  await removeAll(join(folder, EMBEDDED_FILES.currentDump));
}

/** Notes which program opens the data, so that the next one can name it. */
export async function noteProgram(folder: string): Promise<void> {
  if (await programOf(folder) === VERSION) return;
  await writeDurably(join(folder, EMBEDDED_FILES.madeBy), JSON.stringify({ program: VERSION }) + "\n");
}

/** The version of the program that had the data last; undefined where that is not known. */
export async function programOf(folder: string): Promise<string | undefined> {
  try {
    const { program } = JSON.parse(await Deno.readTextFile(join(folder, EMBEDDED_FILES.madeBy)));
    return typeof program === "string" ? program.slice(0, 50) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is something of this name. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, ignoreMissing) ?? false;
}

/** A moment as it stands in names, in UTC. */
export function timeForName(now: number): string {
  return new Date(now).toISOString().replace(/[-:.]/g, "");
}

/** The moment of a name that {@link timeForName} made; NaN where it has none. */
export function timeOfName(name: string): number {
  const [, date, time, ms] = /(\d{8})T(\d{6})(\d{3})Z/.exec(name) ?? [];
  if (!date || !time) return NaN;
  const day = [date.slice(0, 4), date.slice(4, 6), date.slice(6)].join("-");
  return Date.parse(`${day}T${time.match(/../g)!.join(":")}.${ms}Z`);
}

async function setAside(folder: string, now: number): Promise<string | undefined> {
  const data = join(folder, EMBEDDED_FILES.data);
  if (!await exists(data)) return undefined;
  const aside = join(folder, `data.replaced-${timeForName(now)}`);
  await renameDurably(data, aside);
  return aside;
}

async function majorOf(data: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(join(data, "PG_VERSION")).catch(ignoreMissing);
  return text?.trim().slice(0, 20);
}

async function controlSum(folder: string): Promise<string> {
  const bytes = await Deno.readFile(join(folder, EMBEDDED_FILES.data, "global", "pg_control"));
  return createHash("sha256").update(bytes).digest("hex");
}

async function* readFolder(path: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(path);
  } catch (error) {
    ignoreMissing(error);
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
