import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram } from "../process.ts";
import { TaskError } from "../task/task.ts";
import { instantClock } from "../testing/instant_clock.ts";
import { download, type DownloadOptions } from "./download.ts";

/** Runs `use` with a loopback server and a fresh folder; `get` downloads from the server unless told otherwise. */
async function withServer(
  handler: (request: Request) => Response | Promise<Response>,
  use: (
    get: (path: string, more?: Partial<DownloadOptions>) => ReturnType<typeof download>,
    file: string,
    port: number,
  ) => Promise<void>,
  tls: { cert?: string; key?: string } = {},
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...tls } as Deno.ServeTcpOptions;
  const server = Deno.serve(options, handler);
  try {
    const file = join(dir, "file");
    const { port } = server.addr;
    await use(
      (path, more) =>
        download({
          url: new URL(path, `http://127.0.0.1:${port}/`).href,
          file,
          maxBytes: 1_000,
          timeoutMs: 10_000,
          allowPrivate: true,
          signal: new AbortController().signal,
          clock: instantClock(),
          ...more,
        }),
      file,
      port,
    );
    assert.deepEqual(
      [...Deno.readDirSync(dir)].map(({ name }) => name).filter((name) => name !== "file"),
      [],
    );
  } finally {
    await server.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

/** A server that answers every request with these bytes and closes the connection, or keeps silent. */
async function withRawServer(answer: string | undefined, use: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      await connection.read(new Uint8Array(4_096));
      if (answer === undefined) continue;
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  try {
    await use(`http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/file`);
  } finally {
    listener.close();
    await serving;
    if (answer === undefined) open.forEach((connection) => connection.close());
  }
}

const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });
const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("a file is fetched with its type and size, for its owner's eyes only", async () => {
  await withServer(
    (request) => new Response(`you asked for ${new URL(request.url).search}`),
    async (get, file) => {
      const seen: [number, number?][] = [];
      const got = await get("/a?b=c", { onProgress: (...progress) => seen.push(progress) });
      assert.deepEqual(got, { bytes: 18, contentType: "text/plain" });
      assert.deepEqual(seen.at(-1), [18, 18]);
      assert.equal(await Deno.readTextFile(file), "you asked for ?b=c");
      assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    },
  );
});

Deno.test("a body of unknown length comes through whole", async () => {
  const parts = ["one ", "two ", "x".repeat(700)];
  await withServer(
    () => new Response(ReadableStream.from(parts).pipeThrough(new TextEncoderStream())),
    async (get, file) => {
      await get("/");
      assert.equal(await Deno.readTextFile(file), parts.join(""));
    },
  );
});

Deno.test("redirects are followed, but no more than five", async () => {
  const handler = (request: Request) => {
    const left = Number(new URL(request.url).pathname.slice(1));
    return left > 0
      ? new Response(null, { status: 302, headers: { location: `/${left - 1}` } })
      : new Response("there");
  };
  await withServer(handler, async (get, file) => {
    await get("/5");
    assert.equal(await Deno.readTextFile(file), "there");
    await fails(get("/6"), /more than 5 redirects/, false);
  });
});

Deno.test("private addresses are refused: in the URL, behind a name, and behind a redirect", async () => {
  let requests = 0;
  const handler = (request: Request) => {
    requests++;
    const location = new URL(request.url).searchParams.get("to") ?? "";
    return new Response(null, { status: 302, headers: { location } });
  };
  await withServer(handler, async (get, file, port) => {
    for (
      const host of [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "169.254.169.254",
        "[::ffff:a00:1]",
      ]
    ) {
      await fails(
        get("/", { url: `http://${host}:${port}/`, allowPrivate: false }),
        /private address/,
        false,
      );
    }
    const resolve = () => Promise.resolve(["10.0.0.1", "fd00::1"]);
    await fails(
      get("/", { url: "http://rebind.test/", allowPrivate: false, resolve }),
      /private address/,
      false,
    );
    assert.equal(requests, 0);
    await fails(get("/?to=file:///etc/passwd"), /only http and https/, false);
    await fails(get("/?to=http://user:pass@127.0.0.1/"), /user name or password/, false);
    assert.equal(await exists(file), false);
  });
});

Deno.test("a name is connected to at the address that was looked up, with its name as host", async () => {
  await withServer((request) => new Response(request.headers.get("host")), async (get, file, port) => {
    await get("/", { url: `http://files.test:${port}/`, resolve: () => Promise.resolve(["127.0.0.1"]) });
    assert.equal(await Deno.readTextFile(file), `files.test:${port}`);
  });
});

Deno.test("URLs that are not for fetching are refused", async () => {
  await withServer(() => new Response(), async (get) => {
    await fails(get("/", { url: "no url" }), /not a URL/, false);
    await fails(get("/", { url: "ftp://example.org/x" }), /only http and https/, false);
    await fails(
      get("/", { url: "http://u:secret@example.org/?key=k" }),
      /^(?!.*(secret|key)).*user name/,
      false,
    );
  });
});

Deno.test("too large a file is refused, announced or not, and leaves nothing", async () => {
  await withServer(
    (request) =>
      new Response(
        request.url.endsWith("chunked") ? ReadableStream.from([new Uint8Array(2_000)]) : "x".repeat(1_001),
      ),
    async (get, file) => {
      await fails(get("/plain"), /larger than 1000 bytes/, false);
      await fails(get("/chunked"), /larger than 1000 bytes/, false);
      assert.equal(await exists(file), false);
    },
  );
});

Deno.test("client errors are final, except those that pass; server errors are retried", async () => {
  await withServer(
    (request) => new Response("", { status: Number(new URL(request.url).pathname.slice(1)) }),
    async (get) => {
      for (
        const [status, retry] of [[404, false], [403, false], [408, true], [425, true], [429, true], [
          500,
          true,
        ], [503, true]]
      ) {
        await fails(get(`/${status}`), new RegExp(`answered ${status}`), retry as boolean);
      }
    },
  );
});

Deno.test("a connection cut in the middle is retried and leaves no file", async () => {
  for (
    const head of ["Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "X: y"]
  ) {
    await withRawServer(`HTTP/1.1 200 OK\r\n${head}`, async (url) => {
      await withServer(() => new Response(), async (get, file) => {
        await fails(get("/", { url }), /ended early/, true);
        assert.equal(await exists(file), false);
      });
    });
  }
});

Deno.test("an answer that is not HTTP, or has endless headers, is an error", async () => {
  for (const answer of ["SSH-2.0-x\r\n\r\n", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(70_000)}\r\n\r\n`]) {
    await withRawServer(
      answer,
      (url) =>
        withServer(
          () => new Response(),
          (get) => fails(get("/", { url }), /HTTP\/1.1|too long|reset|pipe/i, true),
        ),
    );
  }
});

Deno.test("a silent server runs into the time limit, and an abort ends the wait at once", async () => {
  await withRawServer(undefined, async (url) => {
    await withServer(() => new Response(), async (get) => {
      await fails(get("/", { url, timeoutMs: 50 }), /longer than 0.05 s/, true);
      const stop = new AbortController();
      const running = get("/", { url, signal: stop.signal });
      stop.abort(new Error("cancelled by a person"));
      await assert.rejects(running, /cancelled by a person/);
      const hanging = () => new Promise<string[]>(() => {});
      await fails(
        get("/", { url: "http://slow.test/", timeoutMs: 20, resolve: hanging }),
        /longer than/,
        true,
      );
    });
  });
});

Deno.test("nobody listening is retried", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await withServer(
    () => new Response(),
    (get) => fails(get("/", { url: `http://127.0.0.1:${port}/` }), /refused/i, true),
  );
});

Deno.test("a file that is already there is neither overwritten nor removed", async () => {
  await withServer(() => new Response("new"), async (get, file) => {
    await Deno.writeTextFile(file, "old");
    await assert.rejects(get("/"), TaskError);
    assert.equal(await Deno.readTextFile(file), "old");
  });
});

Deno.test({
  name: "https is checked against the name in the URL, not the address",
  ignore: await findProgram("openssl") === undefined,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    const args =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key -out cert -subj /CN=x"
        .split(" ");
    const alternatives = [
      "-addext",
      "subjectAltName=DNS:files.test",
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    ];
    await new Deno.Command("openssl", { args: [...args, ...alternatives], cwd: dir, stderr: "null" })
      .output();
    const [cert, key] = [
      await Deno.readTextFile(join(dir, "cert")),
      await Deno.readTextFile(join(dir, "key")),
    ];
    await Deno.remove(dir, { recursive: true });
    await withServer(() => new Response("secret"), async (get, file, port) => {
      const resolve = () => Promise.resolve(["127.0.0.1"]);
      const at = (host: string) => ({ url: `https://${host}:${port}/`, resolve });
      await fails(get("/", { ...at("files.test") }), /certificate|UnknownIssuer/i, true);
      await fails(get("/", { ...at("other.test"), caCerts: [cert] }), /certificate/i, true);
      await get("/", { ...at("files.test"), caCerts: [cert] });
      assert.equal(await Deno.readTextFile(file), "secret");
    }, { cert, key });
  },
});
