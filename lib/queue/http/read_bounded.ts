/** Reading an answer whose sender is not trusted to be brief. */

/** The body as text. @throws Error when it is larger than `maxBytes` */
export async function readBounded(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return "";
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new Error(`answered more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return new TextDecoder().decode(await new Blob(pieces as BlobPart[]).arrayBuffer());
}
