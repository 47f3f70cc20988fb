/** HTTP/1.1 by hand, for what no client would send. */

/** What a server answered, as far as tests look at it. */
export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
}

/** Sends the text and reads until the server closes or an answer's head and short body are there. */
export async function askRaw(connection: Deno.Conn, request: string): Promise<RawAnswer> {
  await connection.write(new TextEncoder().encode(request));
  return await readRaw(connection);
}

/** Reads one answer. */
export async function readRaw(connection: Deno.Conn): Promise<RawAnswer> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, read));
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) continue;
    const length = /content-length: (\d+)/i.exec(text)?.[1];
    const whole = length === undefined
      ? text.endsWith("0\r\n\r\n")
      : text.length >= head + 4 + Number(length);
    if (whole) break;
  }
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}
