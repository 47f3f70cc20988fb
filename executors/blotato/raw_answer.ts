/** Reading one small HTTP/1.1 answer from a connection (RFC 9112). */

/** The answer. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/** @throws an Error when the connection ends early or the answer is garbled or larger than 256 KiB */
export async function readAnswer(connection: Pick<Deno.Conn, "read">): Promise<RawAnswer> {
  const buffer = new Uint8Array(16 * 1024);
  // One character for each byte, so that lengths count bytes until the text is decoded.
  let received = "";
  for (;;) {
    const length = await connection.read(buffer);
    if (length !== null) received += String.fromCharCode(...buffer.subarray(0, length));
    const answer = parseAnswer(received, length === null);
    if (answer !== undefined) return answer;
    if (length === null) throw new Error("the connection ended early");
    if (received.length > MAX_ANSWER_BYTES) throw new Error("its answer is too large");
  }
}

/**
 * The whole answer in what has been received (one character a byte), or undefined while something is missing.
 * Answers before the real one (100 Continue) are skipped.
 */
export function parseAnswer(received: string, ended: boolean): RawAnswer | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first, ...lines] = received.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1] ?? NaN);
  if (Number.isNaN(status)) throw new Error("it does not answer in HTTP/1.1");
  const rest = received.slice(end + 4);
  if (status < 200) return parseAnswer(rest, ended);
  const header = (name: string) =>
    lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim();
  const body = bodyOf(rest, header("transfer-encoding"), header("content-length"), ended);
  return body === undefined ? undefined : { status, text: decoded(body) };
}

function bodyOf(rest: string, encoding: string | undefined, length: string | undefined, ended: boolean) {
  if (/\bchunked$/i.test(encoding ?? "")) return joinedChunks(rest);
  if (length !== undefined) return rest.length < Number(length) ? undefined : rest.slice(0, Number(length));
  return ended ? rest : undefined;
}

function joinedChunks(rest: string): string | undefined {
  let body = "";
  for (let at = 0;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(rest.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("its answer is garbled");
    if (size === 0) return body;
    at = lineEnd + 2 + size + 2;
    if (rest.length < at) return undefined;
    body += rest.slice(lineEnd + 2, at - 2);
  }
}

function decoded(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}
