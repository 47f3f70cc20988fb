/** Files with content that nothing compresses, the same for the same seed. */
import { createCipheriv, createHash } from "node:crypto";

const PIECE_BYTES = 1024 * 1024;

/** Writes such a file in pieces; returns its SHA-256 as lower-case hex. */
export async function writeRandomFile(path: string, bytes: number, seed = 1): Promise<string> {
  const stream = createCipheriv("aes-128-ctr", new Uint8Array(16).fill(seed), new Uint8Array(16));
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let left = bytes; left > 0; left -= PIECE_BYTES) {
    const piece = stream.update(new Uint8Array(Math.min(left, PIECE_BYTES)));
    hash.update(piece);
    for (let done = 0; done < piece.length;) done += await file.write(piece.subarray(done));
  }
  stream.final();
  return hash.digest("hex");
}
