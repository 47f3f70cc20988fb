/** When a log file is full, and which old ones have to go. Pure; sizes in bytes, times in ms since the epoch. */

/** Bounds of all log files together. */
export interface RotationPolicy {
  /** A file that would grow beyond this is closed and a new one begun. */
  readonly maxBytes: number;
  /** All files together. */
  readonly totalBytes: number;
  /** A file older than this is closed and a new one begun. */
  readonly maxAgeMs: number;
  /** Closed files are removed when their last line is older than this. */
  readonly keepMs: number;
}

/** A closed log file. */
export interface ClosedFile {
  readonly name: string;
  readonly bytes: number;
  readonly lastWriteAt: number;
}

/** The file that is being written. */
export const CURRENT_NAME = "worker.log";
const CLOSED = /^worker-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z(?:_\d{3})?\.log$/;

/** One file may take half of the whole, so that there is always something to look back at. */
export function fileLimit({ maxBytes, totalBytes }: RotationPolicy): number {
  return Math.min(maxBytes, Math.floor(totalBytes / 2));
}

/** Whether the file has to be closed before `more` bytes are written. An empty file never is. */
export function isFull(
  file: { readonly bytes: number; readonly begunAt: number },
  more: number,
  now: number,
  policy: RotationPolicy,
): boolean {
  return file.bytes > 0 && (file.bytes + more > fileLimit(policy) || now - file.begunAt >= policy.maxAgeMs);
}

/** The name of a file that is closed at that time; sorts by age. `nth` tells files of one millisecond apart. */
export function closedName(now: number, nth = 0): string {
  const stamp = new Date(now).toISOString().replaceAll(/[:.]/g, "-");
  return `worker-${stamp}${nth > 0 ? `_${String(nth).padStart(3, "0")}` : ""}.log`;
}

/** Whether a file of the log folder is a closed log of this program. */
export function isClosedName(name: string): boolean {
  return CLOSED.test(name);
}

/** The names of closed files that must be removed, given the room that the current one may take. */
export function surplus(files: readonly ClosedFile[], policy: RotationPolicy, now: number): string[] {
  let room = policy.totalBytes - fileLimit(policy);
  const newestFirst = files.toSorted((a, b) => a.name < b.name ? 1 : -1);
  return newestFirst.filter(({ bytes, lastWriteAt }) => {
    if (now - lastWriteAt > policy.keepMs) return true;
    room -= bytes;
    return room < 0;
  }).map(({ name }) => name);
}
