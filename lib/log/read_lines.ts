/** Reads written log lines back, in bounded memory: the end of the log, all since a time, or as it grows. */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { CURRENT_NAME, isClosedName } from "./rotation.ts";

/** Longer lines are cut. */
const MAX_LINE_BYTES = 2 ** 20;
const CHUNK_BYTES = 65_536;
const LOOK_EVERY_MS = 250;

/** The log files of a folder as absolute paths, the oldest first; none where there is no folder. */
export async function logFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && (name === CURRENT_NAME || isClosedName(name))) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // `worker-…` sorts before `worker.log`.
  return names.sort().map((name) => join(folder, name));
}

/** The last lines of a file that `wanted` takes; `[]` where the file is missing. */
export async function lastLines(
  path: string,
  count: number,
  wanted: (line: string) => boolean = () => true,
): Promise<string[]> {
  const position = await openAtStart(path);
  if (!position) return [];
  try {
    return await lastOf(wholeFile(position), count, wanted);
  } finally {
    position.file.close();
  }
}

/** What of a log is read, besides which lines. */
export interface ReadOptions {
  readonly folder: string;
  readonly wanted: (line: string) => boolean;
  /** The last so many lines; all of them unless told. */
  readonly last?: number;
  /** Files that were last written before this time are passed over, ms since the epoch. */
  readonly since?: number;
  /** Goes on as the log grows, until the signal aborts. */
  readonly follow?: { readonly signal: AbortSignal; readonly clock: Clock };
}

/** The wanted lines, the oldest first, from all files. */
export async function* readLog({ folder, wanted, last, since, follow }: ReadOptions): AsyncGenerator<string> {
  const files = await logFiles(folder);
  const older = files.slice(0, -1);
  let position = files.length > 0 ? await openAtStart(files.at(-1)!) : undefined;
  try {
    // What is followed is read on from exactly where the reading of the past ended.
    const newest = position ? (follow ? moreLines(position) : wholeFile(position)) : [];
    if (last === undefined) {
      yield* wantedOf(linesOf(older, since), wanted);
      yield* wantedOf(newest, wanted);
    } else {
      yield* await lastOfAll(older, await lastOf(newest, last, wanted), last, wanted);
    }
    while (follow && !follow.signal.aborted) {
      position ??= await openAtStart(join(folder, CURRENT_NAME));
      // Asked for before the last look, so that what was written before the rotation is not missed.
      const next = position && await successor(folder, position.file);
      if (position) yield* wantedOf(moreLines(position), wanted);
      if (next) {
        position?.file.close();
        position = next;
      } else await follow.clock.sleep(LOOK_EVERY_MS, follow.signal);
    }
  } finally {
    position?.file.close();
  }
}

async function* linesOf(files: readonly string[], since = 0): AsyncGenerator<string> {
  for (const path of files) {
    const position = await openAtStart(path);
    if (!position) continue; // removed meanwhile
    try {
      const { mtime } = await position.file.stat();
      if (!mtime || mtime.getTime() >= since) yield* wholeFile(position);
    } finally {
      position.file.close();
    }
  }
}

async function* wantedOf(
  lines: AsyncIterable<string> | Iterable<string>,
  wanted: (line: string) => boolean,
): AsyncGenerator<string> {
  for await (const line of lines) if (wanted(line)) yield line;
}

async function lastOf(
  lines: AsyncIterable<string> | Iterable<string>,
  count: number,
  wanted: (line: string) => boolean,
): Promise<string[]> {
  const kept: string[] = [];
  for await (const line of wantedOf(lines, wanted)) {
    kept.push(line);
    if (kept.length >= 2 * count + 1) kept.splice(0, kept.length - count);
  }
  return count === 0 ? [] : kept.slice(-count);
}

/** Completes the newest lines from older files, only as far back as needed. */
async function lastOfAll(
  older: readonly string[],
  newest: readonly string[],
  count: number,
  wanted: (line: string) => boolean,
): Promise<readonly string[]> {
  let kept = newest;
  for (const path of older.toReversed()) {
    if (kept.length >= count) break;
    kept = [...await lastLines(path, count - kept.length, wanted), ...kept];
  }
  return kept;
}

/** How far a file was read. */
interface Position {
  readonly file: Deno.FsFile;
  /** What was read of a line that is not finished. */
  rest: string;
  readonly decoder: TextDecoder;
}

/** The file that came after this one; undefined while this one is the newest. */
async function successor(folder: string, file: Deno.FsFile): Promise<Position | undefined> {
  const { ino } = await file.stat();
  const files = await logFiles(folder);
  const inodes = await Promise.all(
    files.map((path) => Deno.stat(path).then((stat) => stat.ino, () => undefined)),
  );
  const own = inodes.indexOf(ino);
  // One that was removed altogether is followed by the oldest that is left.
  const path = files[own + 1];
  return path === undefined ? undefined : await openAtStart(path);
}

/** The lines that were written since the last look. */
async function* moreLines(position: Position): AsyncGenerator<string> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let n = await position.file.read(buffer); n !== null && n > 0; n = await position.file.read(buffer)) {
    const text = position.rest + position.decoder.decode(buffer.subarray(0, n), { stream: true });
    const lines = text.split("\n");
    position.rest = lines.pop()!.slice(0, MAX_LINE_BYTES);
    yield* lines;
  }
}

/** All lines, also a last one that nobody has ended. */
async function* wholeFile(position: Position): AsyncGenerator<string> {
  yield* moreLines(position);
  if (position.rest !== "") yield position.rest;
}

/** From its first byte on; undefined where it is missing. */
async function openAtStart(path: string): Promise<Position | undefined> {
  try {
    return { file: await Deno.open(path), rest: "", decoder: new TextDecoder() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
