/** The whole control API on a real database: the seeds' checklist, answers against their description, and bad input. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { BUILT_IN_AGENTS } from "../config/agents.ts";
import type { CallOptions, Database } from "../database/database.ts";
import { openEmbedded } from "../database/embedded.ts";
import type { WorkerStatus } from "../status.ts";
import { AgentRegistry } from "../supervisor/registry.ts";
import { statusWithAgents } from "./status_with_agents.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { type ApiDocument, operationsOf, requestsTo } from "../testing/api_requests.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { scriptedAgents } from "../testing/scripted_agents.ts";
import { tempDir } from "../testing/temp.ts";
import { controlApp } from "./server.ts";
import { randomSecret } from "./token.ts";

const TOKEN = randomSecret();
const REQUESTS_EACH = 60;
/** How long any answer may take here, in ms. */
const HANG_MS = 20_000;
/** Functions that only look. */
const LOOKS =
  /^actp_(list|get|search|settled|task_(stats|log|statistics)|agent_(history|costs|past)|view|attention|database_status|oldest|held|portfolio|activity|scan|stale)/;
/** What is written of a request itself, whether or not it is refused. */
const BOOKKEEPING = ["actp_begin_request", "actp_end_request"];

const STATUS = {
  worker_id: "worker-macbook-01",
  version: "2.0.0",
  status: "online",
  reasons: [],
  overall: "healthy",
  overall_reasons: [],
  ready: true,
  uptime_seconds: 3600,
  database: "the embedded database",
  queues: [{ name: "the task table", state: "running", since: null, reason: null }],
  capabilities: ["safari_research", "safari_upload", "remotion_render"],
  active_tasks: 1,
  max_concurrent: 3,
  tasks_completed: 42,
  tasks_failed: 2,
  unreported_outcomes: 0,
  current_tasks: [{
    task_id: "abc-123",
    task_type: "remotion_render",
    attempt: 1,
    started_at: "2026-02-22T16:30:00Z",
    elapsed_seconds: 45,
    progress: null,
  }],
  legacy_loops: { research: "disabled", scoring: "disabled", remotion: "disabled" },
  legacy_loop_runs: {},
} satisfies WorkerStatus;

/** Everything in earnest, but for the agents' processes; notes which functions have changed something. */
async function setUp(database: Database) {
  const changes: string[] = [];
  const noting: Database = {
    description: database.description,
    async call<T>(fn: string, args?: Record<string, unknown>, options?: CallOptions) {
      const answer = await database.call<T>(fn, args, options);
      if (!LOOKS.test(fn) && !BOOKKEEPING.includes(fn)) changes.push(fn);
      return answer;
    },
    close: () => database.close(),
  };
  const clock = fakeClock();
  const agents = scriptedAgents(clock);
  const supervisor = new Supervisor({
    agents: BUILT_IN_AGENTS.map(({ id, name }) => ({
      id,
      name,
      builtIn: true,
      enabled: true,
      process: { program: "p", args: [], env: {}, health: "ndjson" as const },
      restart: "always" as const,
      maxMemoryMb: 100,
    })),
    registry: new AgentRegistry(noting, "w", "h"),
    clock,
    timing: { silenceMs: 90_000, drainMs: 30_000 },
    watchMs: 10_000,
    secrets: [],
    startProcess: agents.startProcess,
  });
  await supervisor.start("content-agent");
  agents.last.report({ type: "ready" });
  let asked = 0;
  const app = controlApp({
    worker: { status: () => Promise.resolve(statusWithAgents(STATUS, supervisor)), wake() {} },
    agents: supervisor,
    database: noting,
    embedded: true,
    token: TOKEN,
    reload: () => Promise.resolve({ applied: ["maxConcurrent"], restartNeeded: [], problems: [] }),
    metrics: () => Promise.resolve("actp_up 1\n"),
    // Every request comes in a second of its own, and nobody waits in earnest.
    clock: { now: () => Date.now(), monotonic: () => ++asked * 1000, sleep: () => Promise.resolve() },
  }, () => 80);
  const request = (method: string, url: string, init: { headers?: HeadersInit; body?: string } = {}) =>
    app.request(url, {
      method,
      body: init.body,
      headers: { ...init.headers, host: "localhost", authorization: `Bearer ${TOKEN}` },
    });
  const ask = async (method: string, url: string, body?: unknown) => {
    const response = await request(method, url, {
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  return { ask, request, changes, supervisor };
}

Deno.test("the control API on a real database", async (t) => {
  await using log = capturedLog();
  await using dir = await tempDir();
  await placeEmbedded(join(dir.path, "db"));
  const database = await openEmbedded(join(dir.path, "db"));
  try {
    await database.call("actp_register_worker", {
      p_worker: { worker_id: "w", hostname: "h", capabilities: ["a"], max_concurrent: 3 },
    });
    const { ask, request, changes } = await setUp(database);
    const has = (value: Record<string, unknown>, ...names: string[]) => {
      for (const name of names) assert.ok(name in value, `${name} is missing in ${JSON.stringify(value)}`);
    };
    const document: ApiDocument = (await ask("GET", "/openapi.json")).body;
    const [made] = (await ask("POST", "/tasks", { task_type: "render", input_data: { n: 1 } })).body;

    await t.step("seed agent-worker-daemon 27: GET /health returns status, agents and uptime", async () => {
      const { status, body } = await ask("GET", "/health");
      assert.equal(status, 200);
      has(body, "status", "overall", "agents", "uptime");
      assert.ok(["healthy", "degraded", "critical"].includes(body.overall));
      assert.deepEqual([body.agents, body.uptime], [1, 3600]);
    });

    await t.step(
      "seed agent-worker-daemon 28: GET /agents returns all agents with their fields",
      async () => {
        const { body } = await ask("GET", "/agents");
        assert.equal(body.length, 4);
        for (const agent of body) {
          has(agent, "agent_id", "status", "uptime", "error_count", "last_run_at", "health");
          has(agent, "cost_today_usd", "budget_day_usd", "cost_month_usd", "budget_month_usd");
        }
      },
    );

    await t.step(
      "seed agent-worker-daemon 29: GET /agents/:agent_id has runs and what its tools did",
      async () => {
        const { body } = await ask("GET", "/agents/content-agent");
        has(body, "status", "runs", "tools", "crashes");
        has((await ask("GET", "/agents/content-agent/runs")).body, "runs", "next_cursor");
      },
    );

    await t.step(
      "seed agent-worker-daemon 30: GET /agents/:agent_id/restart restarts one agent",
      async () => {
        const { status, body } = await ask("GET", "/agents/content-agent/restart");
        assert.deepEqual([status, body.status], [202, "restarting"]);
      },
    );

    await t.step(
      "seed agent-worker-daemon 31: POST /agents/task takes agent_type, goal, context and priority",
      async () => {
        const goal = { agent_type: "content", goal: "write", context: { week: 3 }, priority: "HIGH" };
        const { status, body } = await ask("POST", "/agents/task", goal);
        assert.equal(status, 201);
        has(body, "id", "created");
      },
    );

    await t.step(
      "seed agent-worker-daemon 32: GET /scheduler/jobs lists jobs with next_run_time",
      async () => {
        const { status, body } = await ask("GET", "/scheduler/jobs");
        assert.deepEqual([status, Array.isArray(body.jobs)], [200, true]);
        const job = document.components.schemas.Routine;
        assert.ok("next_run_time" in job.properties);
      },
    );

    await t.step(
      "seed local-agent-daemon-v2, section 10: every field of GET /health, and of a current task",
      async () => {
        const { body } = await ask("GET", "/health");
        has(
          body,
          ...[
            "worker_id",
            "version",
            "status",
            "uptime_seconds",
            "capabilities",
            "active_tasks",
            "max_concurrent",
          ],
          ...["tasks_completed", "tasks_failed", "current_tasks", "legacy_loops"],
        );
        has(body.current_tasks[0], "task_id", "task_type", "started_at", "elapsed_seconds");
        has(body.legacy_loops, "research", "scoring", "remotion");
        assert.equal(body.status, "online");
      },
    );

    await t.step("a POST with an Idempotency-Key is done once, also in the database", async () => {
      const post = () =>
        request("POST", "/tasks", { headers: { "idempotency-key": "once" }, body: `{"task_type":"once"}` });
      const [first, again] = [await post(), await post()];
      assert.deepEqual([first.status, again.status], [201, 201]);
      assert.deepEqual(await again.json(), await first.json());
      assert.equal(again.headers.get("idempotency-replayed"), "true");
      assert.equal((await ask("GET", "/tasks?type=once")).body.tasks.length, 1);
      const other = await request("POST", "/tasks", {
        headers: { "idempotency-key": "once" },
        body: `{"task_type":"other"}`,
      });
      assert.deepEqual([other.status, (await other.json()).error.code], [409, "idempotency_conflict"]);
    });

    await t.step("a list has an ETag, and is sent again only when it has changed", async () => {
      const first = await request("GET", "/tasks?type=render");
      const etag = first.headers.get("etag")!;
      const ifChanged = () => request("GET", "/tasks?type=render", { headers: { "if-none-match": etag } });
      assert.equal((await ifChanged()).status, 304);
      await ask("POST", `/tasks/${made.id}/cancel`, { reason: "no need", deadline_seconds: 5 });
      assert.equal((await ifChanged()).status, 200);
    });

    await t.step(
      "a long poll answers at once for a settled task, and after its time for another",
      async () => {
        assert.equal((await ask("GET", `/tasks/${made.id}?wait=60`)).body.status, "cancelled");
        const [{ id }] = (await ask("POST", "/tasks", { tasks: [{ task_type: "waits" }] })).body;
        assert.equal((await ask("GET", `/tasks/${id}?wait=2`)).body.status, "pending");
      },
    );

    const agrees = async (ajv: Ajv2020, path: string, method: string, url: string, body?: unknown) => {
      const response = await request(method, url, {
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const answer = await response.text();
      const described = document.paths[path]![method.toLowerCase()].responses[response.status];
      assert.ok(described, `${method} ${url} answers ${response.status}, which is not described: ${answer}`);
      if (!described.content["application/json"]) return;
      const at = [
        "paths",
        path,
        method.toLowerCase(),
        "responses",
        response.status,
        "content",
        "application/json",
        "schema",
      ];
      const pointer = at.map((part) =>
        encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))
      ).join("/");
      const validate = ajv.getSchema(`api#/${pointer}`)!;
      assert.ok(
        validate(JSON.parse(answer)),
        `${method} ${url}: ${ajv.errorsText(validate.errors)} in ${answer}`,
      );
    };

    await t.step("what every operation answers is what the description says", async () => {
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema({ $id: "api", ...document });
      for (const { method, path } of operationsOf(document)) {
        if (path.includes("{") || method !== "GET" || path === "/events") continue;
        await agrees(ajv, path, method, path);
      }
      const [{ id }] = (await ask("POST", "/tasks", { task_type: "described" })).body;
      await agrees(ajv, "/tasks/{id}", "GET", `/tasks/${id}`);
      await agrees(ajv, "/tasks/{id}/log", "GET", `/tasks/${id}/log`);
      await agrees(ajv, "/tasks/{id}/cancel", "POST", `/tasks/${id}/cancel`, {});
      await agrees(ajv, "/tasks/{id}/retry", "POST", `/tasks/${id}/retry`);
      await agrees(ajv, "/tasks", "POST", "/tasks", [{ task_type: "described" }]);
      await agrees(ajv, "/queues/pause", "POST", "/queues/pause", { pattern: "never_*", reason: "r" });
      await agrees(ajv, "/queues/limit", "POST", "/queues/limit", { pattern: "never_*", max_running: 3 });
      await agrees(ajv, "/queues", "GET", "/queues");
      await agrees(ajv, "/queues/resume", "POST", "/queues/resume", { pattern: "never_*" });
      await agrees(ajv, "/disputes", "POST", "/disputes", { task_id: id, reason: "silent" });
      await agrees(ajv, "/disputes", "GET", "/disputes");
      await agrees(ajv, "/agents/{id}", "GET", "/agents/content");
      await agrees(ajv, "/agents/{id}/start", "POST", "/agents/social/start");
      await agrees(ajv, "/reload", "POST", "/reload");
      await agrees(ajv, "/tasks/{id}", "GET", "/tasks/nothing");
    });

    await t.step(
      "thousands of odd requests: no 5xx, no hang, no secret, and nothing changed by a refusal",
      async () => {
        const known = [
          made.id,
          "content-agent",
          "content",
          "daily",
          "render",
          "pending",
          "actp_list_workers",
        ];
        const problems: string[] = [];
        let count = 0;
        const statuses = new Map<number, number>();
        for (const operation of operationsOf(document)) {
          if (operation.path === "/events") continue;
          const requests = fc.sample(requestsTo(operation, document, known), {
            numRuns: REQUESTS_EACH,
            seed: 9,
          });
          for (const each of requests) {
            const line = `${each.method} ${each.url} ${each.body ?? ""}`.slice(0, 2000);
            changes.length = 0;
            const response = await soon(request(each.method, each.url, each), line);
            const answer = await soon(response.text(), line);
            statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
            count++;
            assert.ok(response.status < 500, `${line}\n  ${response.status} ${answer.slice(0, 500)}`);
            assert.ok(
              !`${answer}${JSON.stringify([...response.headers])}`.includes(TOKEN),
              `a secret: ${line}`,
            );
            const reads = each.method === "GET" && !operation.path.endsWith("/restart");
            if (response.status >= 400 || reads) {
              assert.deepEqual(changes, [], `changed by ${response.status}: ${line}`);
            }
          }
        }
        assert.deepEqual(problems.slice(0, 20), []);
        assert.ok(count >= 2_500, `${count} requests`);
        assert.ok(
          (statuses.get(200) ?? 0) > 300,
          `enough is accepted to matter: ${JSON.stringify([...statuses])}`,
        );
        assert.ok((statuses.get(400) ?? 0) > 300, `and enough refused: ${JSON.stringify([...statuses])}`);
        assert.deepEqual(log.records.filter(({ level }) => level === "fatal"), []);
      },
    );
  } finally {
    await database.close();
  }
});

/** @throws Error where there is no answer in time */
async function soon<T>(answer: T | Promise<T>, line: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer: ${line}`)), HANG_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
