import assert from "node:assert/strict";
import { type Database, DatabaseError } from "../../database/database.ts";
import { BUILT_IN_AGENTS } from "../../config/agents.ts";
import { AgentRegistry } from "../../supervisor/registry.ts";
import { Supervisor } from "../../supervisor/supervisor.ts";
import type { WorkerStatus } from "../../status.ts";
import { statusWithAgents } from "../status_with_agents.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { scriptedAgents } from "../../testing/scripted_agents.ts";
import { controlApp } from "../server.ts";

const TOKEN = "t".repeat(43);
const HISTORY = { runs: [{ goal: "g" }], crashes: [], tools: [] };

const ANSWERS: Record<string, (args: Record<string, unknown>) => unknown> = {
  actp_register_agents: () => [],
  actp_agent_past: ({ p_agent_ids }) =>
    Object.fromEntries(
      (p_agent_ids as string[]).map((id) => [id, { crash_ages: [], cleared_age: null, last_run_at: null }]),
    ),
  actp_agent_history: () => HISTORY,
  actp_agent_costs: () => ({ month_usd: 3, agents: { "content-agent": { day_usd: 1, month_usd: 2 } } }),
  actp_list_agent_runs: () => HISTORY.runs,
  actp_enqueue_agent_task: () => ({ id: "1", created: true }),
};

/** The real control API over a real supervisor, whose processes and database are scripted. */
function setUp(answers = ANSWERS) {
  const clock = fakeClock();
  const agents = scriptedAgents(clock);
  const calls: [string, Record<string, unknown>][] = [];
  const database = {
    description: "a database",
    call: (fn: string, args: Record<string, unknown> = {}) => {
      calls.push([fn, args]);
      if (!answers[fn]) {
        return Promise.reject(new DatabaseError("no route to the database", { transient: true }));
      }
      return Promise.resolve(answers[fn](args));
    },
    close: () => Promise.resolve(),
  } as unknown as Database;
  const supervisor = new Supervisor({
    agents: BUILT_IN_AGENTS.map(({ id, name }) => ({
      id,
      name,
      builtIn: true,
      enabled: false,
      process: { program: "p", args: [], env: {}, health: "ndjson" },
      restart: "always",
      maxMemoryMb: 100,
      problem: id === "revenue-agent" ? "its tables are missing" : undefined,
    })),
    registry: new AgentRegistry(database, "w", "h"),
    clock,
    timing: { silenceMs: 90_000, drainMs: 30_000 },
    watchMs: 10_000,
    secrets: [],
    startProcess: agents.startProcess,
  });
  const worker = {
    status: () =>
      Promise.resolve(
        statusWithAgents(
          { ready: true, status: "online", uptime_seconds: 3, overall_reasons: [] } as Partial<
            WorkerStatus
          > as WorkerStatus,
          supervisor,
        ),
      ),
    wake() {},
  };
  const app = controlApp(
    { worker, agents: supervisor, database, embedded: false, token: TOKEN, clock },
    () => 80,
  );
  const ask = async (
    method: string,
    path: string,
    options: { body?: unknown; headers?: HeadersInit } = {},
  ) => {
    const response = await app.request(path, {
      method,
      headers: { host: "localhost", authorization: `Bearer ${TOKEN}`, ...options.headers },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    });
    return { status: response.status, body: await response.json() };
  };
  return { ask, app, agents, calls, supervisor };
}

Deno.test("test_health_server_returns_all_agents", async () => {
  const { ask, agents } = setUp();
  await ask("POST", "/agents/content/start");
  agents.last.report({ type: "heartbeat" });
  const { status, body } = await ask("GET", "/agents");
  assert.equal(status, 200);
  assert.deepEqual(
    body.map((agent: { agent_id: string; status: string }) => [agent.agent_id, agent.status]),
    [
      ["social-media-agent", "stopped"],
      ["content-agent", "running"],
      ["acquisition-agent", "stopped"],
      ["revenue-agent", "stopped"],
    ],
  );
  for (const name of ["agent_id", "status", "uptime", "error_count", "last_run_at", "health"]) {
    assert.ok(name in body[0], name);
  }
});

Deno.test("health tells how the whole fares, and how many agents there are, to anybody on this machine", async () => {
  const { ask, agents } = setUp();
  await ask("POST", "/agents/content/start");
  const health = async () => {
    const { body } = await ask("GET", "/health", { headers: { authorization: "" } });
    return [body.overall, body.agents, body.status, body.uptime];
  };
  assert.deepEqual(await health(), ["degraded", 1, "online", 3]);
  agents.last.report({ type: "ready" });
  assert.deepEqual(await health(), ["healthy", 1, "online", 3]);
});

Deno.test("an agent is started, restarted and stopped, by its id or its short name", async () => {
  const { ask, agents } = setUp();
  const started = await ask("POST", "/agents/social/start");
  assert.deepEqual([started.status, started.body.status], [202, "starting"]);
  agents.last.report({ type: "ready" });
  assert.equal((await ask("POST", "/agents/social-media-agent/restart")).body.status, "restarting");
  assert.equal((await ask("POST", "/agents/social/stop")).body.status, "stopping");
  assert.deepEqual(agents.last.orders, [{ type: "drain" }]);
  await agents.last.end(0);
  assert.equal((await ask("GET", "/agents/social")).body.status, "stopped");
});

Deno.test("one agent is told with its runs, crashes and tools, and without them while the database is away", async () => {
  const { ask, calls } = setUp();
  const { body } = await ask("GET", "/agents/content");
  assert.deepEqual([body.agent_id, body.runs, body.crashes, body.tools], [
    "content-agent",
    [{ goal: "g" }],
    [],
    [],
  ]);
  assert.deepEqual((await ask("GET", "/agents/content/runs?limit=7")).body, {
    runs: [{ goal: "g" }],
    next_cursor: null,
  });
  assert.deepEqual(calls.at(-1), ["actp_list_agent_runs", {
    p_agent_id: "content-agent",
    p_limit: 7,
    p_before: null,
  }]);
  const away = setUp({});
  const alone = await away.ask("GET", "/agents/content");
  assert.deepEqual([alone.status, alone.body.status, alone.body.runs], [200, "stopped", null]);
});

Deno.test("a GET restarts an agent only for who has the token, never for a page's cookie", async () => {
  const { ask, app, agents, supervisor } = setUp();
  await supervisor.start("content-agent");
  agents.last.report({ type: "ready" });
  const code = (await ask("POST", "/session/code")).body.code;
  const signIn = await app.request("/session", {
    method: "POST",
    headers: {
      host: "localhost",
      origin: "http://localhost",
      "sec-fetch-site": "same-origin",
      "content-type": "application/json",
    },
    body: JSON.stringify({ code }),
  });
  const cookie = signIn.headers.get("set-cookie")!.split(";")[0]!;
  const withCookie = await app.request("/agents/content/restart", {
    headers: { host: "localhost", cookie, origin: "http://localhost", "sec-fetch-site": "same-origin" },
  });
  assert.equal(withCookie.status, 403);
  assert.equal(
    (await app.request("/agents/content/restart", { headers: { host: "localhost" } })).status,
    401,
  );
  assert.equal(supervisor.statusOf("content-agent").status, "running");
  assert.equal((await ask("GET", "/agents/content/restart")).body.status, "restarting");
});

Deno.test("a goal is enqueued for an agent, which is woken", async () => {
  const { ask, agents, calls, supervisor } = setUp();
  await supervisor.start("content-agent");
  const goal = { agent_type: "content", goal: "write", context: { n: 1 }, priority: "HIGH" };
  assert.deepEqual(await ask("POST", "/agents/task", { body: goal }), {
    status: 201,
    body: { id: "1", created: true },
  });
  assert.deepEqual(calls.at(-1), ["actp_enqueue_agent_task", {
    p_task: { ...goal, agent_type: "content-agent", source: "api" },
  }]);
  assert.deepEqual(agents.last.orders, [{ type: "wake" }]);
});

Deno.test("what is wrong with a request is named", async () => {
  const { ask } = setUp();
  const told = async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, { body });
    return `${answer.status} ${answer.body.error.message}`;
  };
  assert.match(
    await told("GET", "/agents/nobody"),
    /^404 there is no agent "nobody"; there are social-media-agent/,
  );
  assert.match(await told("POST", "/agents/nobody/stop"), /^404/);
  assert.match(
    await told("POST", "/agents/revenue/start"),
    /^409 revenue-agent cannot run: its tables are missing/,
  );
  assert.match(await told("POST", "/agents/task", { agent_type: "nobody", goal: "g" }), /^404/);
  assert.match(await told("POST", "/agents/task", { agent_type: "content" }), /^400 goal must be a string/);
  assert.match(await told("POST", "/agents/task", { goal: "g" }), /^400 agent_type must be a string/);
  assert.match(
    await told("POST", "/agents/task", { agent_type: "content", gaol: "g" }),
    /^400 "gaol" is not a field/,
  );
  assert.match(await told("GET", "/agents/content/runs?limit=0"), /^400 limit must be 1 to 500/);
});
