import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { TaskError } from "../task/task.ts";
import { type InstantClock, instantClock } from "../testing/instant_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { download, type Downloaded, type DownloadOptions } from "./download.ts";

const content = Uint8Array.from({ length: 10_000 }, (_, index) => index * 7 % 251);
const sha256 = createHash("sha256").update(content).digest("hex");

/** What a server says to one request: a head, and as much of a body as it gets out before it closes. */
interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: Uint8Array;
  /** Keeps the connection open in silence. */
  readonly hang?: boolean;
}

interface Bench {
  get(more?: Partial<DownloadOptions>): Promise<Downloaded>;
  readonly file: string;
  readonly clock: InstantClock;
  /** The heads of the requests so far: header names in lower case. */
  readonly requests: Map<string, string>[];
}

/** A server that gives one answer after another, the last one for ever; each to a connection of its own. */
async function withAnswers(
  answers: (Answer | ((request: Map<string, string>) => Answer))[],
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  await using folder = await tempDir();
  const requests: Map<string, string>[] = [];
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const silent: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const request = await readHead(connection);
      const next = answers[Math.min(requests.length, answers.length - 1)];
      requests.push(request);
      const { status = 200, headers = {}, body, hang } = typeof next === "function" ? next(request) : next;
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      await writeAll(connection, new TextEncoder().encode(`HTTP/1.1 ${status} x\r\n${lines}\r\n`));
      if (body) await writeAll(connection, body);
      if (hang) silent.push(connection);
      else connection.close();
    }
  })();
  const file = join(folder.path, "file");
  const clock = instantClock();
  try {
    const get: Bench["get"] = (more) =>
      download({
        url: `http://127.0.0.1:${listener.addr.port}/film?key=secret`,
        file,
        maxBytes: 100_000,
        timeoutMs: 10_000,
        allowPrivate: true,
        signal: new AbortController().signal,
        clock,
        ...more,
      });
    await use({ get, file, clock, requests });
  } finally {
    listener.close();
    await serving;
    silent.forEach((connection) => connection.close());
  }
}

async function readHead(connection: Deno.Conn): Promise<Map<string, string>> {
  const buffer = new Uint8Array(4_096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const size = await connection.read(buffer);
    if (size === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, size));
  }
  return new Map(
    text.split("\r\n").slice(1).flatMap((line) => {
      const [name, value] = line.split(": ", 2);
      return value === undefined ? [] : [[name.toLowerCase(), value]];
    }),
  );
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** The whole file, of which `sent` bytes get out. */
const whole = (sent: number, headers: Answer["headers"] = { etag: '"v1"' }, file = content): Answer => ({
  headers: { "content-length": file.length, ...headers },
  body: file.subarray(0, sent),
});
/** The rest that was asked for, of which `sent` bytes get out. */
const rest =
  (sent = Infinity, more: Record<string, string> = {}) => (request: Map<string, string>): Answer => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.get("range") ?? "")?.[1]);
    return {
      status: 206,
      headers: {
        "content-length": content.length - start,
        "content-range": `bytes ${start}-${content.length - 1}/${content.length}`,
        etag: '"v1"',
        ...more,
      },
      body: content.subarray(start, start + sent),
    };
  };
const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    assert.equal(error.retry, retry, error.message);
    return true;
  });
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("a broken download goes on where it was, and no byte is sent twice", async () => {
  await withAnswers([whole(4_000), rest(3_000), rest()], async ({ get, file, requests, clock }) => {
    const seen: number[] = [];
    const got = await get({ sha256, onProgress: (received) => seen.push(received) });
    assert.equal(got.bytes, content.length);
    assert.deepEqual(await Deno.readFile(file), content);
    assert.deepEqual(requests.map((request) => request.get("range")), [
      undefined,
      "bytes=4000-",
      "bytes=7000-",
    ]);
    assert.equal(requests[1].get("if-range"), '"v1"');
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
    assert.equal(clock.slept.length, 2);
  });
});

Deno.test("a time of change that lies back does in place of an ETag", async () => {
  const modified = "Sun, 01 Mar 2026 11:00:00 GMT";
  const headers = { "last-modified": modified, date: "Sun, 01 Mar 2026 12:00:00 GMT" };
  await withAnswers([whole(4_000, headers), rest()], async ({ get, requests }) => {
    await get({ sha256 });
    assert.equal(requests[1].get("if-range"), modified);
  });
});

Deno.test("a file that changed meanwhile is fetched from its start, and nothing of the old one stays", async () => {
  const newer = content.slice(0, 2_000).reverse();
  await withAnswers(
    [whole(4_000), whole(newer.length, { etag: '"v2"' }, newer)],
    async ({ get, file }) => {
      assert.equal((await get()).bytes, newer.length);
      assert.deepEqual(await Deno.readFile(file), newer);
    },
  );
});

Deno.test("a part that is not the one asked for is not put together with the rest", async () => {
  for (
    const wrong of [
      rest(Infinity, { etag: '"v2"' }),
      rest(Infinity, { "content-range": "bytes 0-9999/10000" }),
      { status: 416, headers: { "content-range": "bytes */10" } },
    ]
  ) {
    await withAnswers([whole(4_000), wrong, whole(content.length)], async ({ get, file, requests }) => {
      await get({ sha256 });
      assert.deepEqual(await Deno.readFile(file), content);
      assert.equal(requests[2].get("range"), undefined);
    });
  }
});

Deno.test("a server that cannot go on in the middle is asked from the start, but not for ever", async () => {
  await withAnswers(
    [whole(4_000, {}), whole(5_000, {}), whole(content.length, {})],
    async ({ get, requests }) => {
      await get({ sha256 });
      assert.ok(requests.every((request) => !request.has("range")));
    },
  );
  await withAnswers([whole(4_000, {})], async ({ get, file, requests }) => {
    await fails(get(), /ended early, at the last of 3 attempts/, true);
    assert.deepEqual([requests.length, await exists(file)], [3, false]);
  });
  await withAnswers([whole(4_000)], async ({ get, requests }) => {
    await fails(get(), /ended early/, true);
    assert.ok(requests.length <= 4, "ranges are ignored by the server");
  });
});

Deno.test("it gives up after five failures without a new byte, waiting longer each time", async () => {
  await withAnswers([whole(4_000), rest(0)], async ({ get, file, clock, requests }) => {
    await fails(get(), /\/film: the connection ended early, at the last of 6 attempts/, true);
    assert.deepEqual([requests.length, await exists(file)], [6, false]);
    assert.equal(clock.slept.length, 5);
    assert.ok(clock.slept[4] > clock.slept[0] * 4 && clock.slept[4] <= 10_000, String(clock.slept));
  });
});

Deno.test("as long as new bytes come, it goes on", async () => {
  await withAnswers([whole(500), rest(500)], async ({ get, requests }) => {
    await get({ sha256 });
    assert.equal(requests.length, 20);
  });
});

Deno.test("a busy server is waited for as long as it asks", async () => {
  await withAnswers(
    [whole(4_000), { status: 503, headers: { "retry-after": 7 } }, { status: 429 }, rest()],
    async ({ get, clock }) => {
      await get({ sha256 });
      assert.equal(clock.slept[1], 7_000);
    },
  );
});

Deno.test("a file that is gone when it should go on is not asked for again", async () => {
  await withAnswers([whole(4_000), { status: 404 }], async ({ get, file, requests }) => {
    await fails(get(), /answered 404/, false);
    assert.deepEqual([requests.length, await exists(file)], [2, false]);
  });
});

Deno.test("a connection on which nothing arrives counts as broken", async () => {
  await withAnswers([{ ...whole(4_000), hang: true }, rest()], async ({ get, requests }) => {
    await get({ sha256, idleMs: 500 });
    assert.equal(requests.length, 2);
  });
  const silent = (request: Map<string, string>) => ({
    ...request.has("range") ? rest(0)(request) : whole(4_000),
    hang: true,
  });
  await withAnswers([silent], async ({ get }) => {
    await fails(get({ idleMs: 20 }), /nothing moved for 0.02 s/, true);
  });
});

Deno.test("an abort while it waits to go on ends it at once, and no file stays", async () => {
  await withAnswers([whole(4_000)], async ({ get, file }) => {
    const stop = new AbortController();
    const clock = { ...instantClock(), sleep: () => Promise.resolve(stop.abort(new Error("cancelled"))) };
    await assert.rejects(get({ clock, signal: stop.signal }), /cancelled/);
    assert.equal(await exists(file), false);
  });
});

Deno.test("the size is bounded across all parts", async () => {
  await withAnswers([{ headers: { etag: '"v1"' }, body: content.subarray(0, 4_000) }], async ({ get }) => {
    await fails(get({ maxBytes: 3_999 }), /larger than 3999 bytes/, false);
  });
  const chunked = { "transfer-encoding": "chunked", etag: '"v1"' };
  const piece = new TextEncoder().encode(`64\r\n${"x".repeat(100)}\r\n`);
  await withAnswers([{ headers: chunked, body: piece }, rest()], async ({ get, file }) => {
    await fails(get({ maxBytes: 9_999 }), /larger than 9999 bytes/, false);
    assert.equal(await exists(file), false);
  });
});

Deno.test("only expected types are fetched, by what the server says", async () => {
  const page = { "content-type": "text/html; charset=utf-8" };
  await withAnswers([whole(content.length, page)], async ({ get, file }) => {
    await fails(
      get({ expectedTypes: ["video/*", "image/png"] }),
      /text\/html, not video\/\* or image\/png/,
      false,
    );
    assert.equal(await exists(file), false);
    assert.equal((await get({ expectedTypes: ["text/*"] })).contentType, "text/html");
  });
});

Deno.test("where the server only says that there are bytes, the first of them decide", async () => {
  const film = content.slice();
  film.set(new TextEncoder().encode("\0\0\0\x18ftypisom"));
  const bytes = { "content-type": "application/octet-stream", etag: '"v1"' };
  await withAnswers([whole(content.length, bytes, film)], async ({ get, file }) => {
    assert.equal((await get({ expectedTypes: ["video/*"] })).contentType, "video/mp4");
    await Deno.remove(file);
    await fails(get({ expectedTypes: ["image/*"] }), /video\/mp4, not image\/\*/, false);
    assert.equal((await get()).contentType, "application/octet-stream");
  });
  await withAnswers([whole(10, {}, new TextEncoder().encode("short text"))], async ({ get }) => {
    await fails(get({ expectedTypes: ["video/*"] }), /neither the server nor its first bytes tell/, false);
  });
});

Deno.test("a file with another checksum is refused", async () => {
  await withAnswers([whole(content.length)], async ({ get, file }) => {
    await get({ sha256: sha256.toUpperCase() });
    await Deno.remove(file);
    await fails(get({ sha256: "0".repeat(64) }), /SHA-256 is [0-9a-f]{64} in place of 0+/, true);
    assert.equal(await exists(file), false);
  });
});

Deno.test("a file that cannot be written is no broken connection", async () => {
  await withAnswers([whole(content.length)], async ({ get, file, requests }) => {
    await fails(get({ file: join(file, "no", "folder") }), /cannot be written/, true);
    assert.equal(requests.length, 1);
  });
});
