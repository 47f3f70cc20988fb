/**
 * Sending a file over HTTP/1.1 piece by piece with its length told beforehand. Object storage demands the length, and
 * `fetch` does not tell it for a body that is a stream.
 */
import { systemClock, within } from "../../lib/clock.ts";
import { type RawAnswer, readAnswer } from "./raw_answer.ts";

/** What to send where. */
export interface FileRequest {
  /** http or https. */
  readonly url: string;
  readonly method: "PUT" | "POST";
  /** Values without line ends. */
  readonly headers: Readonly<Record<string, string>>;
  readonly file: string;
  /** Bytes around the file, as multipart forms have them. */
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  readonly signal: AbortSignal;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

const PIECE_BYTES = 256 * 1024;

/** @throws an Error when there is no answer; the signal's reason when aborted */
export async function sendFile(request: FileRequest): Promise<RawAnswer> {
  return await within(systemClock, request.timeoutMs, request.signal, async (cut) => {
    using file = await Deno.open(request.file);
    const { before = new Uint8Array(), after = new Uint8Array() } = request;
    const total = before.length + (await file.stat()).size + after.length;
    const connection = await connect(new URL(request.url));
    const stop = () => connection.close();
    cut.addEventListener("abort", stop);
    if (cut.aborted) stop(); // while the connection was being made
    try {
      const reading = readAnswer(connection);
      // A server may answer, and close, before it has read everything: then its answer is the news.
      const sent = send({ ...request, before, after, total }, file, connection).then(
        () => reading,
        (error) =>
          reading.catch(() => {
            throw error;
          }),
      );
      return await Promise.race([reading, sent]);
    } finally {
      cut.removeEventListener("abort", stop);
      if (!cut.aborted) connection.close();
    }
  });
}

/** A connection cannot be called off while it is being made: one that comes too late is closed by the caller. */
function connect(url: URL): Promise<Deno.Conn> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "https:";
  const port = Number(url.port || (secure ? 443 : 80));
  return secure ? Deno.connectTls({ hostname, port }) : Deno.connect({ hostname, port });
}

async function send(
  { url, method, headers, before, after, total, onProgress }: FileRequest & {
    readonly before: Uint8Array;
    readonly after: Uint8Array;
    readonly total: number;
  },
  file: Deno.FsFile,
  connection: Deno.Conn,
): Promise<void> {
  const { host, pathname, search } = new URL(url);
  const all = { host, ...headers, "content-length": String(total), connection: "close" };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await writeAll(
    connection,
    new TextEncoder().encode(`${method} ${pathname}${search} HTTP/1.1\r\n${head}\r\n`),
  );
  await writeAll(connection, before);
  const buffer = new Uint8Array(PIECE_BYTES);
  let sent = before.length;
  for (let length = await file.read(buffer); length !== null; length = await file.read(buffer)) {
    sent += length;
    if (sent + after.length > total) break;
    await writeAll(connection, buffer.subarray(0, length));
    onProgress?.(sent, total);
  }
  if (sent + after.length !== total) throw new Error("the file was changed meanwhile");
  await writeAll(connection, after);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

/** The frame of a `multipart/form-data` body (RFC 7578) around one file. Values hold no boundary, as it is random. */
export function multipart(
  fields: Readonly<Record<string, string>>,
  file: { readonly field: string; readonly name: string; readonly type: string },
): { before: Uint8Array; after: Uint8Array; contentType: string } {
  const boundary = `actp-${crypto.randomUUID()}`;
  const quoted = (text: string) =>
    text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const parts = Object.entries(fields).map(([name, value]) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`
  );
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(file.field)}"; ` +
    `filename="${quoted(file.name)}"\r\ncontent-type: ${file.type}\r\n\r\n`;
  const encoder = new TextEncoder();
  return {
    before: encoder.encode(parts.join("") + head),
    after: encoder.encode(`\r\n--${boundary}--\r\n`),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}
