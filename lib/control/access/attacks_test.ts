/** What somebody would try who wants to drive the worker from a foreign page, or to take it down, over real sockets. */
import assert from "node:assert/strict";
import { controlBench } from "../../testing/control_api.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { nothingKnown } from "../../testing/event_stream.ts";
import { askRaw, readRaw } from "../../testing/raw_http.ts";
import { until } from "../../testing/until.ts";
import { MAX_BODY_BYTES } from "../body.ts";
import { controlServer } from "../server.ts";
import { createEventHub } from "../events/hub.ts";

const connect = (port: number) => Deno.connect({ hostname: "127.0.0.1", port });

function head(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

Deno.test("attacks on the control API", async (t) => {
  const clock = fakeClock();
  const events = createEventHub({
    clock,
    database: nothingKnown,
    status: () => Promise.resolve({}),
    secrets: [],
  });
  await using bench = await controlBench({ events, clock });
  const { port, homeToken, reached } = bench;
  const host = `127.0.0.1:${port}`;
  const bearer = { Authorization: `Bearer ${homeToken}` };
  const ask = async (method: string, path: string, headers: Record<string, string>, body = "") => {
    using connection = await connect(port);
    const length: Record<string, string> = body ? { "Content-Length": String(body.length) } : {};
    return await askRaw(connection, head(method, path, { Host: host, ...length, ...headers }) + body);
  };
  const signIn = async () => {
    const { code } = await (await bench.fetch("/session/code", {
      method: "POST",
      headers: { authorization: `Bearer ${homeToken}` },
    })).json();
    const { text } = await ask("POST", "/session", {
      Origin: `http://${host}`,
      "Content-Type": "application/json",
    }, JSON.stringify({ code }));
    return /set-cookie: (actp_session=[^;]+)/i.exec(text)![1]!;
  };
  const cookie = await signIn();

  await t.step(
    "DNS rebinding: a foreign Host gets nothing, with the token, with a session, on any path",
    async () => {
      const foreign = [
        "evil.example",
        `evil.example:${port}`,
        `127.0.0.1.evil.example:${port}`,
        `127.0.0.1:${port + 1}`,
        "0.0.0.0",
        "",
      ];
      for (const Host of foreign) {
        for (const path of ["/", "/health", "/events", "/tasks", "/tokens", "/openapi.json", "/app.js"]) {
          const { status, text } = await ask("GET", path, { Host, ...bearer, Cookie: cookie });
          assert.ok(status === 403 || status === 400, `${Host} ${path}: ${status}`);
          assert.doesNotMatch(text, /"status":"online"/);
        }
      }
      using twice = await connect(port);
      const { status } = await askRaw(
        twice,
        `GET /status HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\nAuthorization: Bearer ${homeToken}\r\n\r\n`,
      );
      assert.ok(status === 400 || status === 403, `two Hosts: ${status}`);
    },
  );

  await t.step(
    "a foreign page posts nothing, in whatever content type and with whatever credential",
    async () => {
      const types = [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/csp-report",
        "",
      ];
      const senders: Record<string, string>[] = [
        { Origin: "https://evil.example" },
        { Origin: "null" },
        { Origin: `http://localhost:${port}` }, // another name of ours is another site to a browser
        { Origin: `https://${host}` },
        { "Sec-Fetch-Site": "cross-site" },
        { "Sec-Fetch-Site": "same-site" },
        { Origin: `http://${host}`, "Sec-Fetch-Site": "cross-site" },
      ];
      for (const type of types) {
        for (const sender of senders) {
          for (const credential of [bearer, { Cookie: cookie }] as Record<string, string>[]) {
            const { status } = await ask("POST", "/tasks", {
              ...credential,
              ...sender,
              ...(type && { "Content-Type": type }),
            }, '{"task_type":"x"}');
            assert.equal(status, 403, JSON.stringify([type, sender]));
          }
        }
      }
      const preflight = await ask("OPTIONS", "/tasks", {
        Origin: "https://evil.example",
        "Access-Control-Request-Method": "POST",
      });
      assert.equal(preflight.status, 403);
      assert.doesNotMatch(preflight.text, /access-control-allow/i);
      assert.deepEqual(reached, []);
    },
  );

  await t.step("a foreign page cannot read the events", async () => {
    const senders: Record<string, string>[] = [
      { Origin: "https://evil.example" },
      { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" },
    ];
    for (const sender of senders) {
      const { status, text } = await ask("GET", "/events", {
        Cookie: cookie,
        Accept: "text/event-stream",
        ...sender,
      });
      assert.equal(status, 403);
      assert.doesNotMatch(text, /event:/);
    }
    assert.equal((await ask("GET", "/events", { Accept: "text/event-stream" })).status, 401);
    assert.equal(events.active, false);
  });

  await t.step("paths that climb lead nowhere, however they are written", async () => {
    const paths = [
      "/../../etc/passwd",
      "/..%2f..%2fetc%2fpasswd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/style.css/../../token",
      "/tasks/..%5c..%5ctoken",
      "//etc/passwd",
      "/%00/etc/passwd",
      "/page/../token",
      "/access.sqlite",
      "/token",
    ];
    for (const path of paths) {
      const { status, text } = await ask("GET", path, bearer);
      assert.ok([400, 403, 404].includes(status), `${path}: ${status}`);
      assert.ok(!text.includes("root:") && !text.includes(homeToken), path);
    }
    assert.deepEqual(reached, []);
  });

  await t.step("a body that is too large is refused, whether it says so or not", async () => {
    const { status } = await ask("POST", "/tasks", {
      ...bearer,
      "Content-Length": String(MAX_BODY_BYTES + 1),
    }, "");
    assert.equal(status, 413);
    const big = await bench.fetch("/tasks", {
      method: "POST",
      headers: { authorization: `Bearer ${homeToken}` },
      body: new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(65_536).fill(32));
        },
      }),
    }).catch(() => undefined);
    await big?.body?.cancel();
    assert.ok(big === undefined || big.status === 413, `${big?.status}`);
    assert.deepEqual(reached, []);
  });

  await t.step("oversized headers and paths are refused, and the next request is answered", async () => {
    const paths = [`/${"x".repeat(100_000)}`, `/tasks?cursor=${"x".repeat(100_000)}`];
    for (const path of paths) {
      assert.ok([0, 400, 404, 414, 431].includes((await ask("GET", path, bearer)).status));
    }
    assert.ok(
      [0, 400, 401, 431].includes(
        (await ask("GET", "/status", { Authorization: `Bearer ${"x".repeat(1_000_000)}` })).status,
      ),
    );
    assert.equal((await ask("GET", "/status", bearer)).status, 200);
  });

  await t.step(
    "a body that trickles in is given up after ten seconds, and nothing of it is done",
    async () => {
      using slow = await connect(port);
      await slow.write(
        new TextEncoder().encode(
          head("POST", "/tokens", { Host: host, ...bearer, "Content-Length": "100" }) + "{",
        ),
      );
      const answer = readRaw(slow);
      const before = clock.pending();
      await until("the body is waited for", () => clock.pending() > before || clock.pending() > 0);
      await clock.advance(10_000);
      assert.equal((await answer).status, 408);
      assert.deepEqual(bench.access.tokens.list(), []);
    },
  );

  await t.step("hundreds of half-sent requests keep nobody from being answered", async () => {
    const half: Deno.TcpConn[] = [];
    for (let i = 0; i < 300; i++) {
      const connection = await connect(port);
      await connection.write(new TextEncoder().encode(`GET /status HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `));
      half.push(connection);
    }
    for (let i = 0; i < 20; i++) assert.equal((await ask("GET", "/status", bearer)).status, 200);
    for (const connection of half) connection.close();
  });

  await t.step("whoever was refused is in the audit log, up to its bound, and nothing was changed", () => {
    const { entries } = bench.access.audit.list({ limit: 500 });
    assert.ok(entries.length > 60 && entries.length < 100, `${entries.length}`);
    assert.ok(!JSON.stringify(entries).includes(homeToken));
    assert.deepEqual(reached, []);
  });
});

Deno.test("half-sent requests do not keep the worker from stopping", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const running = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status: () => Promise.reject(new Error("unused")), wake: () => {} },
    token: "t",
    database: nothingKnown,
    embedded: false,
    onListen: listening.resolve,
  }).run(stop.signal);
  const port = await listening.promise;
  const half = await Promise.all(Array.from({ length: 50 }, () => connect(port)));
  for (const connection of half) await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHo"));
  const began = performance.now();
  stop.abort();
  await running;
  assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`);
  for (const connection of half) connection.close();
});
