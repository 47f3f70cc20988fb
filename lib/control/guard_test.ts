import assert from "node:assert/strict";
import { DatabaseError } from "../database/database.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import type { WorkerStatus } from "../status.ts";
import { isOwnHost } from "./access/hosts.ts";
import { isForeign, isFromOwnPage } from "./guard.ts";
import { controlApp } from "./server.ts";
import { randomSecret } from "./token.ts";

const PORT = 8090;
const HOST = `127.0.0.1:${PORT}`;
const OWN = { host: HOST, origin: `http://${HOST}` };

Deno.test("only this machine's own names with the server's port are its own", () => {
  for (const host of ["127.0.0.1:8090", "localhost:8090", "LOCALHOST:8090", "[::1]:8090"]) {
    assert.equal(isOwnHost(host, PORT), true, host);
  }
  const foreign = [
    "evil.example:8090",
    "localhost:8091",
    "localhost",
    "localhost.evil.example:8090",
    "127.0.0.2:8090",
  ];
  for (const host of [...foreign, "a@localhost:8090", "localhost:8090.", "", undefined]) {
    assert.equal(isOwnHost(host, PORT), false, host);
  }
  assert.equal(isOwnHost("localhost", 80), true);
});

Deno.test("what a browser says of the sender decides whose page it is", () => {
  const cases: [Parameters<typeof isForeign>[0], boolean, boolean][] = [
    [{ host: HOST }, false, false],
    [OWN, false, true],
    [{ host: HOST, fetchSite: "same-origin" }, false, true],
    [{ host: HOST, fetchSite: "none" }, false, false],
    [{ host: HOST, fetchSite: "cross-site" }, true, false],
    [{ host: HOST, fetchSite: "same-site" }, true, false],
    [{ host: HOST, origin: "http://evil.example" }, true, false],
    [{ host: HOST, origin: "null" }, true, false],
    [{ host: HOST, origin: `https://${HOST}` }, true, false],
    [{ host: HOST, origin: "http://127.0.0.1:3000" }, true, false],
    [{ host: HOST, origin: `http://localhost:${PORT}` }, true, false],
    [{ ...OWN, fetchSite: "cross-site" }, true, false],
    [{ host: HOST, origin: "http://evil.example", fetchSite: "same-origin" }, true, false],
  ];
  for (const [provenance, foreign, own] of cases) {
    assert.deepEqual(
      [isForeign(provenance), isFromOwnPage(provenance)],
      [foreign, own],
      JSON.stringify(provenance),
    );
  }
});

/** A control API whose database only notes what reached it. */
function guarded() {
  const reached: string[] = [];
  const token = randomSecret();
  const clock = fakeClock();
  const app = controlApp({
    token,
    clock,
    embedded: true,
    worker: { status: () => Promise.resolve({ status: "online" } as WorkerStatus), wake: () => {} },
    database: {
      description: "notes",
      call(fn) {
        reached.push(fn);
        return Promise.reject(new DatabaseError("noted", { transient: true }));
      },
      close: () => Promise.resolve(),
    },
  }, () => PORT);
  const ask = (path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {}) =>
    app.request(path, { ...init, headers: { host: HOST, ...headers } });
  const bearer = { authorization: `Bearer ${token}` };
  const code = async () =>
    (await (await ask("/session/code", { method: "POST", headers: bearer })).json()).code;
  const trade = (given: unknown, headers: Record<string, string> = {}) =>
    ask("/session", {
      method: "POST",
      headers: { origin: OWN.origin, "content-type": "application/json", ...headers },
      body: JSON.stringify({ code: given }),
    });
  const signIn = async () => (await trade(await code())).headers.get("set-cookie")!.split(";")[0];
  return { reached, token, clock, ask, bearer, code, trade, signIn };
}

async function refused(response: Response, status: number, code: string): Promise<void> {
  assert.deepEqual([response.status, (await response.json()).error.code], [status, code]);
}

Deno.test("a foreign Host is refused everywhere, also with the token", async () => {
  const { ask, bearer, reached } = guarded();
  for (const path of ["/", "/app.js", "/health", "/status", "/tasks", "/nowhere"]) {
    await refused(
      await ask(path, { headers: { ...bearer, host: "evil.example:8090" } }),
      403,
      "foreign_host",
    );
  }
  assert.deepEqual(reached, []);
});

Deno.test("another site's page can post nothing, in any content type, not even with the token", async () => {
  const { ask, bearer, signIn, reached } = guarded();
  const cookie = await signIn();
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json",
  ];
  const senders: Record<string, string>[] = [
    { origin: "http://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const sender of senders) {
    for (const type of types) {
      for (const credential of [bearer, { cookie }] as Record<string, string>[]) {
        const headers = { ...credential, ...sender, "content-type": type };
        const response = await ask("/tasks", { method: "POST", headers, body: '{"task_type":"a"}' });
        await refused(response, 403, "foreign_origin");
      }
    }
  }
  assert.deepEqual(reached, []);
});

Deno.test("no answer allows another origin, and every answer carries the strict headers", async () => {
  const { ask, bearer } = guarded();
  const preflight = {
    method: "OPTIONS",
    headers: { origin: "http://evil.example", "access-control-request-method": "POST" },
  };
  const answers = [
    await ask("/"),
    await ask("/tasks"),
    await ask("/status", { headers: bearer }),
    await ask("/nowhere", { headers: bearer }),
    await ask("/tasks", preflight),
  ];
  for (const { headers } of answers) {
    assert.equal(headers.get("access-control-allow-origin"), null);
    assert.match(headers.get("content-security-policy")!, /^default-src 'none'; script-src 'self'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cache-control"), "no-store");
  }
});

Deno.test("without the token everything but the page and the probes answers 401", async () => {
  const { ask, token, reached } = guarded();
  const wrong: Record<string, string>[] = [
    {},
    { authorization: `Bearer ${randomSecret()}` },
    { authorization: `Bearer ${token}x` },
    { authorization: `Basic ${btoa(`user:${token}`)}` },
    { authorization: "Bearer " },
    { apikey: "" },
    { cookie: `actp_session=${token}` },
    { cookie: "actp_session=" },
  ];
  for (const headers of wrong) {
    for (const path of ["/status", "/tasks", "/workers", "/nowhere"]) {
      const response = await ask(path, { headers });
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
      await refused(response, 401, "unauthorized");
    }
  }
  const rest = await ask("/rest/v1/rpc/actp_list_workers", { method: "POST" });
  assert.deepEqual([rest.status, Object.keys(await rest.json())], [401, [
    "code",
    "message",
    "details",
    "hint",
  ]]);
  for (const path of ["/", "/app.js", "/style.css", "/health", "/ready"]) {
    assert.notEqual((await ask(path)).status, 401);
  }
  assert.deepEqual(reached, []);
});

Deno.test("the token is taken from Authorization or from apikey", async () => {
  const { ask, token, bearer } = guarded();
  for (
    const headers of [bearer, { authorization: `bearer ${token}` }, { apikey: token }] as Record<
      string,
      string
    >[]
  ) {
    assert.equal((await ask("/status", { headers })).status, 200);
  }
});

Deno.test("a code opens one session, once", async () => {
  const { ask, code, trade } = guarded();
  const once = await code();
  const response = await trade(once);
  assert.equal(response.status, 200);
  const cookie = response.headers.get("set-cookie")!;
  assert.match(cookie, /^actp_session=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.equal((await ask("/status", { headers: { cookie: cookie.split(";")[0] } })).status, 200);
  await refused(await trade(once), 401, "bad_code");
});

Deno.test("a code is worth nothing after a minute, and a session after twelve hours", async () => {
  const { ask, clock, code, trade, signIn } = guarded();
  const late = await code();
  const cookie = await signIn();
  await clock.advance(60_000);
  await refused(await trade(late), 401, "bad_code");
  await clock.advance(12 * 3_600_000 - 60_001);
  assert.equal((await ask("/status", { headers: { cookie } })).status, 200);
  await clock.advance(1);
  await refused(await ask("/status", { headers: { cookie } }), 401, "unauthorized");
});

Deno.test("a code is traded only by the page itself, as JSON, and a refusal does not use it up", async () => {
  const { ask, code, trade } = guarded();
  const good = await code();
  const body = JSON.stringify({ code: good });
  const json = { "content-type": "application/json" };
  await refused(await ask("/session", { method: "POST", headers: json, body }), 403, "foreign_origin");
  await refused(await trade(good, { origin: "http://evil.example" }), 403, "foreign_origin");
  await refused(await trade(good, { "content-type": "text/plain" }), 415, "not_json");
  for (const odd of [undefined, 1, {}, "x"]) await refused(await trade(odd), 401, "bad_code");
  assert.equal((await trade(good)).status, 200);
});

Deno.test("a session changes nothing unless the request comes from the page itself", async () => {
  const { ask, signIn, reached } = guarded();
  const cookie = await signIn();
  const retry = (headers: Record<string, string>) =>
    ask("/tasks/0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001/retry", {
      method: "POST",
      headers: { cookie, ...headers },
    });
  await refused(await retry({}), 403, "foreign_origin");
  await refused(await retry({ "sec-fetch-site": "none" }), 403, "foreign_origin");
  assert.deepEqual(reached, []);
  await refused(await retry({ origin: OWN.origin }), 503, "database_unavailable");
  await refused(await retry({ "sec-fetch-site": "same-origin" }), 503, "database_unavailable");
  assert.deepEqual(reached, ["actp_retry_task", "actp_retry_task"]);
});

Deno.test("a session cannot make codes for new sessions", async () => {
  const { ask, signIn } = guarded();
  const headers = { cookie: await signIn(), origin: OWN.origin };
  await refused(await ask("/session/code", { method: "POST", headers }), 403, "forbidden");
});

Deno.test("only the worker's own functions and arguments get through /rest/v1", async () => {
  const { ask, bearer, reached } = guarded();
  const call = async (fn: string, body = "") => {
    const response = await ask(`/rest/v1/rpc/${fn}`, { method: "POST", headers: bearer, body });
    return [response.status, (await response.json()).code];
  };
  for (const fn of ["pg_read_file", "ACTP_x", "actp_x%22", "..%2f..%2fstatus", "actp_x;drop", "actp_"]) {
    assert.deepEqual(await call(fn), [404, "PGRST202"], fn);
  }
  for (const body of ['{"id":1}', '{"p_a\\" := 1":1}', '{"__proto__":1}']) {
    assert.deepEqual(await call("actp_x", body), [404, "PGRST202"], body);
  }
  assert.deepEqual(await call("actp_x", "[1]"), [400, "bad_request"]);
  assert.deepEqual(await call("actp_x", "{"), [400, "bad_json"]);
  assert.deepEqual(await call("actp_x", `"${"x".repeat(8 * 2 ** 20)}"`), [413, "too_large"]);
  assert.deepEqual(reached, []);
  assert.deepEqual(await call("actp_x", '{"p_a":1}'), [503, "XX000"]);
});

Deno.test("paths that climb lead nowhere", async () => {
  const { ask, bearer, reached } = guarded();
  for (
    const path of [
      "/../token",
      "/..%2ftoken",
      "/tasks/..%2f..%2ftoken",
      "/tasks/%2e%2e/token",
      "/style.css/../token",
      "/%00",
    ]
  ) {
    assert.ok([400, 404].includes((await ask(path, { headers: bearer })).status), path);
  }
  assert.deepEqual(reached, []);
});
