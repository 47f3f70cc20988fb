import assert from "node:assert/strict";
import { makeCertificate } from "../../testing/certificate.ts";
import { capturedLog } from "../../testing/captured_log.ts";
import { controlBench } from "../../testing/control_api.ts";
import { driveClock } from "../../testing/drive_clock.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { askRaw, readRaw } from "../../testing/raw_http.ts";
import { needs } from "../../testing/requirements.ts";
import { tempDir } from "../../testing/temp.ts";
import { until } from "../../testing/until.ts";
import { GATE_BOUNDS } from "./gate.ts";
import { remoteAccess } from "./remote.ts";

const NAME = "worker.test";

/** The control API for other machines, on loopback under a name of its own. */
async function setUp() {
  await using cleanup = new AsyncDisposableStack();
  const dir = cleanup.use(await tempDir());
  const files = { cert: `${dir.path}/cert.pem`, key: `${dir.path}/key.pem` };
  const use = async ({ cert, key }: { cert: string; key: string }) => {
    await Deno.writeTextFile(files.cert, cert);
    await Deno.writeTextFile(files.key, key);
  };
  const certificate = await makeCertificate(`DNS:${NAME},IP:127.0.0.1`);
  await use(certificate);
  let port = 0;
  const api = cleanup.use(await controlBench({ hostNames: [NAME, "127.0.0.1"] }, () => port));
  const clock = fakeClock();
  let tick = () => {};
  const listening = Promise.withResolvers<number>();
  const stop = new AbortController();
  const running = remoteAccess({
    address: "127.0.0.1:0",
    files,
    answer(request) {
      if (!request.url.endsWith("/stream")) return api.app.fetch(request, { transport: "tls" });
      const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
        tick = () => controller.enqueue(new TextEncoder().encode("tick"));
      };
      return new Response(new ReadableStream({ start }));
    },
    onListen: listening.resolve,
    clock,
    bounds: { ...GATE_BOUNDS, perPeer: 5 },
  }).run(stop.signal);
  cleanup.defer(async () => {
    stop.abort();
    await running;
  });
  port = await listening.promise;
  const connect = async (cert = certificate.cert) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const secure = await Deno.startTls(connection, { hostname: NAME, caCerts: [cert] });
    try {
      await secure.handshake();
    } catch (error) {
      secure.close();
      throw error;
    }
    return secure;
  };
  const owned = cleanup.move();
  return {
    api,
    clock,
    connect,
    certificate,
    files,
    port,
    use,
    tick: () => tick(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const request = (host: string, more = "", path = "/status", method = "GET") =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

Deno.test({
  name: "the control API for other machines",
  ...await needs("openssl"),
  async fn(t) {
    await using remote = await setUp();
    const { api, clock, connect, port, tick } = remote;
    // The rules know the loopback port; the name alone is what a browser sends for 443 or behind a proxy.
    const bearer = `Authorization: Bearer ${api.homeToken}\r\n`;
    const ask = async (...args: Parameters<typeof request>) => {
      using connection = await connect();
      return await askRaw(connection, request(...args));
    };

    await t.step("answers by TLS to who calls it by its name and has a token", async () => {
      assert.equal((await ask(NAME, bearer)).status, 200);
      assert.equal((await ask(NAME)).status, 401);
    });

    await t.step("answers as browsers ask, by HTTP/2", async () => {
      using client = Deno.createHttpClient({ caCerts: [remote.certificate.cert] });
      const browse = async (headers: Record<string, string>) => {
        const response = await fetch(`https://127.0.0.1:${port}/status`, { client, headers });
        return [response.status, (await response.json()).status];
      };
      const authorization = `Bearer ${api.homeToken}`;
      assert.deepEqual(await browse({ authorization }), [200, "online"]);
      assert.deepEqual(await browse({ authorization, origin: `https://127.0.0.1:${port}` }), [200, "online"]);
      assert.equal((await browse({ authorization, origin: `http://127.0.0.1:${port}` }))[0], 403);
    });

    await t.step("refuses every other name, also this machine's own", async () => {
      for (
        const host of [
          "evil.example",
          `localhost:${api.port}`,
          `127.0.0.1:${port + 1}`,
          `${NAME}.evil.example`,
          "localhost",
        ]
      ) {
        const { status, text } = await ask(host, bearer);
        assert.equal(status, 403, host);
        assert.match(text, /foreign_host/);
      }
    });

    await t.step("knows its own page by https, and no other", async () => {
      const { code } = await (await api.fetch("/session/code", {
        method: "POST",
        headers: { authorization: `Bearer ${api.homeToken}` },
      })).json();
      const body = JSON.stringify({ code });
      const signIn = (origin: string) =>
        ask(
          NAME,
          `Origin: ${origin}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          "/session",
          "POST",
        );
      for (const origin of [`http://${NAME}`, "https://evil.example", "null"]) {
        assert.equal((await signIn(origin)).status, 403, origin);
      }
      const { status, text } = await signIn(`https://${NAME}`);
      assert.equal(status, 200);
      assert.match(text, /set-cookie: .*HttpOnly; Secure; SameSite=Strict/i);
    });

    await t.step("speaks nothing but TLS, and waits twenty seconds for it", async () => {
      using plain = await Deno.connect({ hostname: "127.0.0.1", port });
      assert.doesNotMatch((await askRaw(plain, request(NAME, bearer))).text, /HTTP/);
      for (const beginning of ["", "\x16\x03\x01"]) {
        using silent = await Deno.connect({ hostname: "127.0.0.1", port });
        await silent.write(new TextEncoder().encode(beginning));
        assert.equal((await driveClock(clock, readRaw(silent))).status, 0);
      }
    });

    await t.step(
      "a request whose headers never end is cut off after twenty seconds, whatever trickles in",
      async () => {
        using slow = await connect();
        const ended = readRaw(slow);
        const trickle = async (text: string) => {
          await slow.write(new TextEncoder().encode(text));
          await clock.advance(5_000);
        };
        await trickle(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n`);
        for (let i = 0; i < 2; i++) await trickle(`X-${i}: `);
        assert.equal((await driveClock(clock, ended)).status, 0);
      },
    );

    await t.step("an answer that goes on is no idle connection", async () => {
      using connection = await connect();
      await connection.write(new TextEncoder().encode(request(NAME, bearer, "/stream")));
      const read = async () => {
        const buffer = new Uint8Array(1000);
        return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      };
      assert.match(await read(), /^HTTP\/1.1 200/);
      await clock.advance(60_000);
      tick();
      assert.match(await read(), /tick/);
    });

    await t.step(
      "one address has so many connections and no more, and others are served when they end",
      async () => {
        const held = [];
        for (let i = 0; i < 5; i++) held.push(await connect());
        await assert.rejects(connect());
        for (const connection of held) connection.close();
        let status = 0;
        for (let i = 0; i < 50 && status !== 200; i++) {
          status = (await ask(NAME, bearer).catch(() => ({ status: 0 }))).status;
        }
        assert.equal(status, 200);
      },
    );

    await t.step("a new certificate is used within a minute, and a broken one is not", async () => {
      await using log = capturedLog();
      const next = await makeCertificate(`DNS:${NAME}`);
      await remote.use({ cert: next.cert, key: remote.certificate.key });
      await clock.advance(65_000);
      (await connect()).close();
      assert.match(log.messages().join(), /is not used: .*key\.pem does not belong to the certificate/);
      await remote.use(next);
      await clock.advance(65_000);
      await until("it is used", () => log.messages().some((line) => line.includes("new certificate")));
      (await connect(next.cert)).close();
      await assert.rejects(connect());
    });
  },
});
