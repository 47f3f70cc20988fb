/**
 * One HTTP/1.1 request to an address that the caller chose, whatever the name in the URL resolves to: `fetch` resolves
 * names itself, so a name that was checked could lead elsewhere a moment later (DNS rebinding).
 */

/** An answer whose body has not been read yet. Close it in every case. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; of repeated headers the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** To be read once. Throws when the connection ends before the body does. */
  readonly body: AsyncIterable<Uint8Array>;
  close(): void;
}

/** Where to and how. */
export interface HttpGetOptions {
  /** http or https. */
  readonly url: URL;
  /** The IP address to connect to. */
  readonly address: string;
  /** Aborting closes the connection, also while the body is being read. */
  readonly signal: AbortSignal;
  /** Sent besides the usual ones; names and values are put into the request as they are. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates (PEM) to trust besides the machine's. */
  readonly caCerts?: string[];
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 4 * 1024;

/** @throws an Error for a failed connection or handshake and for a garbled answer, also when aborted */
export function httpGet(options: HttpGetOptions): Promise<HttpAnswer> {
  return httpRequest("GET", options);
}

/** Sends `body`, whose type `options.headers` tells. @throws as {@link httpGet} does */
export function httpPost(options: HttpGetOptions, body: Uint8Array): Promise<HttpAnswer> {
  return httpRequest("POST", options, body);
}

async function httpRequest(
  method: "GET" | "POST",
  options: HttpGetOptions,
  body?: Uint8Array,
): Promise<HttpAnswer> {
  const { connection, close } = await connect(options);
  try {
    const { host, pathname, search } = options.url;
    const length = body && { "content-length": body.length };
    const more = Object.entries({ ...options.headers, ...length }).map(([name, value]) =>
      `${name}: ${value}\r\n`
    ).join("");
    const request = `${method} ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n` +
      `Accept-Encoding: identity\r\nUser-Agent: actp-worker\r\n${more}Connection: close\r\n\r\n`;
    for (const bytes of [new TextEncoder().encode(request), ...body ? [body] : []]) {
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    }
    const input = new Input(connection);
    let head = await readHead(input);
    while (head.status < 200) head = await readHead(input); // 103 Early Hints and the like come before the answer
    return { ...head, body: readBody(input, head.headers), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function connect(options: HttpGetOptions): Promise<{ connection: Deno.Conn; close(): void }> {
  const { url, signal } = options;
  const secure = url.protocol === "https:";
  let connection: Deno.Conn = await connectTcp(
    options.address,
    Number(url.port || (secure ? 443 : 80)),
    signal,
  );
  let open = true;
  const close = () => {
    signal.removeEventListener("abort", close);
    if (open) connection.close();
    open = false;
  };
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  try {
    if (secure) {
      const hostname = url.hostname.replace(/^\[|\]$/g, "");
      const tls = await Deno.startTls(connection as Deno.TcpConn, { hostname, caCerts: options.caCerts });
      connection = tls;
      if (!open) tls.close();
      await tls.handshake();
    }
    return { connection, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Connecting cannot be called off, so a connection that comes after the abort is closed at once. */
function connectTcp(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    Deno.connect({ hostname, port }).then((connection) => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) connection.close();
      resolve(connection);
    }, (error) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    });
  });
}

/** Reads a connection by lines and by counted bytes. */
class Input {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(64 * 1024);
  #unread = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Between 1 and `max` bytes, valid until the next call; undefined at the connection's end. */
  async some(max: number): Promise<Uint8Array | undefined> {
    if (this.#unread.length === 0) {
      const length = await this.#connection.read(this.#buffer);
      if (length === null) return undefined;
      this.#unread = this.#buffer.subarray(0, length);
    }
    const bytes = this.#unread.subarray(0, max);
    this.#unread = this.#unread.subarray(bytes.length);
    return bytes;
  }

  /** The next line without its end. */
  async line(maxBytes: number): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      const byte = (await this.some(1))?.[0];
      if (byte === undefined) throw new Error("the connection ended early");
      if (byte === 10) return String.fromCharCode(...bytes).replace(/\r$/, "");
      if (bytes.push(byte) > maxBytes) throw new Error("the server's answer has a line that is too long");
    }
  }
}

async function readHead(input: Input): Promise<Pick<HttpAnswer, "status" | "headers">> {
  let room = MAX_HEAD_BYTES;
  const line = async () => {
    const text = await input.line(room);
    room -= text.length;
    return text;
  };
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(await line())?.[1];
  if (status === undefined) throw new Error("the server does not answer in HTTP/1.1");
  const headers = new Map<string, string>();
  for (let text = await line(); text !== ""; text = await line()) {
    const colon = text.indexOf(":");
    if (colon > 0) headers.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
  }
  return { status: Number(status), headers };
}

async function* readBody(input: Input, headers: ReadonlyMap<string, string>): AsyncGenerator<Uint8Array> {
  if (/\bchunked$/i.test(headers.get("transfer-encoding") ?? "")) {
    for (let size = await chunkSize(input); size > 0; size = await chunkSize(input)) {
      yield* exactly(input, size);
      if (await input.line(MAX_CHUNK_LINE_BYTES) !== "") throw new Error("the server's answer is garbled");
    }
    return; // trailers are of no interest, and the connection is closed after this answer
  }
  const length = headers.get("content-length");
  if (length !== undefined) {
    if (!/^\d{1,15}$/.test(length)) throw new Error("the server's answer is garbled");
    return yield* exactly(input, Number(length));
  }
  for (let bytes = await input.some(Infinity); bytes; bytes = await input.some(Infinity)) yield bytes;
}

async function chunkSize(input: Input): Promise<number> {
  const digits = /^[0-9a-f]{1,12}(?=\s*(;|$))/i.exec(await input.line(MAX_CHUNK_LINE_BYTES))?.[0];
  if (digits === undefined) throw new Error("the server's answer is garbled");
  return parseInt(digits, 16);
}

async function* exactly(input: Input, count: number): AsyncGenerator<Uint8Array> {
  for (let left = count; left > 0;) {
    const bytes = await input.some(left);
    if (bytes === undefined) throw new Error("the connection ended early");
    left -= bytes.length;
    yield bytes;
  }
}
