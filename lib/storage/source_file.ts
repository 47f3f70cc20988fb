/** The file that is to be stored: what it is, and the certainty that it stays the same until it is stored. */
import { createHash } from "node:crypto";
import { StorageFault } from "./fault.ts";

/** A file whose content has been read once. */
export interface SourceFile {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Opens it for reading; close it. @throws StorageFault when it is not what it was */
  open(): Promise<Deno.FsFile>;
}

const PIECE_BYTES = 256 * 1024;

/**
 * Reads the whole file for its checksum, in pieces.
 * @throws StorageFault when it is no regular file or cannot be read; the signal's reason when aborted
 */
export async function readSource(path: string, signal: AbortSignal): Promise<SourceFile> {
  using file = await openFile(path);
  const first = await file.stat();
  const hash = createHash("sha256");
  const buffer = new Uint8Array(PIECE_BYTES);
  for (let size = await file.read(buffer); size !== null; size = await file.read(buffer)) {
    signal.throwIfAborted();
    hash.update(buffer.subarray(0, size));
  }
  const source: SourceFile = {
    bytes: first.size,
    sha256: hash.digest("hex"),
    async open() {
      const again = await openFile(path);
      const { size, mtime, ino, dev } = await again.stat();
      const same = size === first.size && ino === first.ino && dev === first.dev &&
        mtime?.getTime() === first.mtime?.getTime();
      if (same) return again;
      again.close();
      throw fault("changed while it was being stored");
    },
  };
  (await source.open()).close(); // what was hashed is what was there
  return source;
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    // Asked before: a named pipe would not open until somebody writes to it.
    if ((await Deno.stat(path)).isFile) return await Deno.open(path, { read: true });
  } catch (cause) {
    throw fault(`cannot be read: ${(cause as Error).message}`, cause);
  }
  throw fault("is no regular file");
}

function fault(why: string, cause?: unknown): StorageFault {
  return new StorageFault(`the file ${why}`, { retry: false, cause });
}
