import assert from "node:assert/strict";
import { PAGE_PATHS } from "../page.ts";
import type { AgentStatus } from "../../supervisor/agent_status.ts";
import { type ControlBench, controlBench } from "../../testing/control_api.ts";
import { allows, type Scope, scopeNeeded, SCOPES } from "./scopes.ts";

Deno.test("each scope may do what those before it may", () => {
  const may = SCOPES.map((held) => SCOPES.map((needed) => allows(held, needed)));
  assert.deepEqual(may, [[true, false, false], [true, true, false], [true, true, true]]);
});

Deno.test("looking needs read, changing operate, and what decides over others admin", () => {
  const cases: [string, string, Scope][] = [
    ["GET", "/tasks", "read"],
    ["HEAD", "/status", "read"],
    ["GET", "/events", "read"],
    ["GET", "/openapi.json", "read"],
    ["GET", "/tokensx", "read"],
    ["POST", "/tasks", "operate"],
    ["PUT", "/nowhere", "operate"],
    ["POST", "/queues/pause", "operate"],
    ["GET", "/agents/content/restart", "operate"],
    ["POST", "/reload", "admin"],
    ["GET", "/tokens", "admin"],
    ["DELETE", "/tokens/1", "admin"],
    ["GET", "/audit", "admin"],
    ["POST", "/session/code", "admin"],
    ["POST", "/rest/v1/rpc/actp_list_tasks", "admin"],
  ];
  for (const [method, path, scope] of cases) {
    assert.equal(scopeNeeded(method, path), scope, `${method} ${path}`);
  }
});

/** Every part that may be left out is there, so that all routes are. */
const EVERYTHING = {
  agents: {
    status: () => [],
    statusOf: (id: string) => ({ agent_id: id }) as AgentStatus,
    start: (id: string) => Promise.resolve({ agent_id: id } as AgentStatus),
    stop: (id: string) => ({ agent_id: id }) as AgentStatus,
    restart: (id: string) => Promise.resolve({ agent_id: id } as AgentStatus),
    wake: () => {},
  },
};

/** What needs no credential, because it tells nothing or is how one is had. */
const OPEN = [...PAGE_PATHS.map((path) => `GET ${path}`), "GET /health", "GET /ready", "POST /session"];

/** All routes as somebody would ask for them. */
function requests({ app }: ControlBench): { method: string; path: string }[] {
  const asked = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({
      method,
      path: path.replace(/:word\{(\w+)\|.*?\}/, "$1").replace(
        /:\w+/g,
        "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
      ),
    }))
    .filter(({ path }) => !path.includes("*"));
  return [...new Map(asked.map((one) => [`${one.method} ${one.path}`, one])).values()]
    .filter(({ method, path }) => !OPEN.includes(`${method} ${path}`));
}

Deno.test("every route refuses who has no credential, a wrong one, or too small a scope", async () => {
  await using bench = await controlBench(EVERYTHING);
  const all = requests(bench);
  assert.ok(all.length >= 25, `${all.length}`);
  const tokens = { read: bench.token("read"), operate: bench.token("operate"), admin: bench.token("admin") };
  const status = async (method: string, path: string, headers: Record<string, string>) => {
    const response = await bench.fetch(path, { method, headers });
    const body = await response.text();
    return [response.status, JSON.parse(body || "{}")?.error?.code ?? JSON.parse(body || "{}")?.code];
  };
  const mayHave: string[] = [];
  for (const { method, path } of all) {
    const needed = scopeNeeded(method, path);
    const what = `${method} ${path}`;
    assert.deepEqual(await status(method, path, {}), [401, "unauthorized"], what);
    const wrong = { authorization: `Bearer actp_${"A".repeat(43)}` };
    assert.deepEqual(await status(method, path, wrong), [401, "unauthorized"], what);
    for (const scope of SCOPES.filter((held) => !allows(held, needed))) {
      const [refused, code] = await status(method, path, { authorization: `Bearer ${tokens[scope]}` });
      assert.deepEqual([refused, code], [403, "forbidden"], `${what} with ${scope}`);
    }
  }
  assert.deepEqual(bench.reached, [], "nothing that was refused reached the database");
  for (const { method, path } of all) {
    // The restart that a link could ask for, and a stream that would not end.
    if (path === "/events") continue;
    const [answer] = await status(method, path, {
      authorization: `Bearer ${tokens[scopeNeeded(method, path)]}`,
    });
    assert.ok(answer !== 401 && answer !== 403, `${method} ${path}: ${answer}`);
    mayHave.push(path);
  }
  assert.ok(mayHave.length >= 25);
});

Deno.test("a path that is written in another way needs no smaller scope", async () => {
  await using bench = await controlBench(EVERYTHING);
  const authorization = `Bearer ${bench.token("operate")}`;
  for (
    const path of [
      "/%74okens",
      "/tokens/",
      "//tokens",
      "/TOKENS",
      "/tokens?x=/tasks",
      "/tasks/../tokens",
      "/tasks/%2e%2e/tokens",
    ]
  ) {
    const response = await bench.fetch(path, { headers: { authorization } });
    await response.body?.cancel();
    assert.ok([400, 403, 404].includes(response.status), `${path}: ${response.status}`);
  }
  const made = await bench.fetch("/%74okens", {
    method: "POST",
    headers: { authorization },
    body: JSON.stringify({ name: "x", scope: "admin" }),
  });
  await made.body?.cancel();
  assert.equal(made.status, 403);
});
