/** Reading the end of what programs printed into files. */

const TAIL_BYTES = 64 * 1024;

/** The end of a text file; undefined if it is not there. */
export async function tail(path: string, bytes = TAIL_BYTES): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    await file.seek(Math.max(0, size - bytes), Deno.SeekMode.Start);
    const chunk = new Uint8Array(Math.min(size, bytes));
    let length = 0;
    for (let read; length < chunk.length && (read = await file.read(chunk.subarray(length))) !== null;) {
      length += read;
    }
    return new TextDecoder().decode(chunk.subarray(0, length));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return undefined;
    throw error;
  }
}
