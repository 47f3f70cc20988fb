/** A part of a file as a request's body, in constant memory. */
import { StorageFault } from "./fault.ts";

const PIECE_BYTES = 64 * 1024;

/** From one offset to before another. */
export interface FilePart {
  readonly file: Deno.FsFile;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads each piece only when the one before has been handed on, and frees that at once: left to the garbage collector,
 * some 64 MB of them pile up. So a piece is valid until the next is asked for; `fetch` has passed it on by then.
 * @param taken called with all bytes so far, when more are asked for
 */
export function fileStream(
  { file, start, end }: FilePart,
  taken: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  let at = start;
  let last: ArrayBuffer | undefined;
  return new ReadableStream({
    start: () => void file.seekSync(start, Deno.SeekMode.Start),
    async pull(controller) {
      last?.transfer(0);
      last = undefined;
      taken(at - start);
      if (at === end) return controller.close();
      const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
      const size = await file.read(piece);
      if (size === null) {
        throw new StorageFault("the file became shorter while it was being stored", { retry: true });
      }
      at += size;
      last = piece.buffer;
      controller.enqueue(piece.subarray(0, size));
    },
  }, { highWaterMark: 0 });
}
