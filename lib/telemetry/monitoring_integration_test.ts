/** What a real worker tells of itself: its metrics over HTTP, its traces to a collector. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { homeWithDatabase } from "../testing/embedded_database.ts";
import { cliEnvironment, spawnCli } from "../testing/cli.ts";
import { type OtlpCollector, type SentSpan, startOtlpCollector } from "../testing/otlp_collector.ts";
import { readPrometheusText, valueOf } from "../testing/prometheus_text.ts";
import { findProgram } from "../testing/requirements.ts";

const SECRET = "hush-hush-1234";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const CONFIG = {
  workerId: "tester",
  commands: [
    { name: "greet", program: "echo", args: ["hello {name}"], input: { name: { type: "string" } } },
    { name: "list", program: "ls", args: ["{path}"], input: { path: { type: "string" } } },
  ],
  routines: [{ id: "often", everySeconds: 1, task: "greet", input: { name: "routine" } }],
};

async function until<T>(what: string, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let i = 0; i < 2400; i++) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await systemClock.sleep(50);
  }
  return assert.fail(`never came true: ${what}`);
}

function spanOf(
  collector: OtlpCollector,
  name: string,
  attributes: Record<string, unknown>,
): SentSpan | undefined {
  return collector.spans.find((span) =>
    span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[key] === value)
  );
}

Deno.test("a real worker tells Prometheus and an OpenTelemetry collector what it does", async (t) => {
  await using home = await homeWithDatabase();
  await using collector = startOtlpCollector();
  await Deno.writeTextFile(join(home.path, "config.json"), JSON.stringify(CONFIG), { mode: 0o600 });
  const child = spawnCli(
    ["start", "--foreground"],
    cliEnvironment(home.path, {
      WORKER_MIN_FREE_BYTES: "0",
      ANTHROPIC_API_KEY: SECRET,
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_SERVICE_NAME: "worker-under-test",
      OTEL_BSP_SCHEDULE_DELAY: "100",
    }),
  );
  const output = child.output();
  try {
    const port = await until(
      "the worker listens",
      async () => (await findDaemon(home.path))?.controlPort,
    );
    const url = `http://127.0.0.1:${port}`;
    const authorization = `Bearer ${(await Deno.readTextFile(join(home.path, "token"))).trim()}`;
    const enqueue = async (task: Record<string, unknown>): Promise<string> => {
      const response = await fetch(`${url}/tasks`, {
        method: "POST",
        headers: { authorization },
        body: JSON.stringify(task),
      });
      return (await response.json())[0].id;
    };

    await t.step(
      "a task's span continues the trace of its input, and has its claim, run and settling",
      async () => {
        const input_data = { name: "Ada", traceparent: `00-${TRACE}-${PARENT}-01` };
        const id = await enqueue({ task_type: "greet", input_data });
        const span = await until("its span", () => spanOf(collector, "task greet", { "actp.task.id": id }));
        assert.deepEqual([span.traceId, span.parentSpanId, span.kind], [TRACE, PARENT, 5]);
        assert.deepEqual(span.attributes, {
          "actp.queue": "workflow",
          "actp.task.id": id,
          "actp.task.type": "greet",
          "actp.task.attempt": 1,
          "actp.task.outcome": "done",
          "actp.task.settled": "settled",
        });
        assert.equal(span.error, undefined);
        const below = collector.spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
        assert.deepEqual(below.map(({ name }) => name).sort(), ["claim", "run", "settle"]);
        for (const { startMs, endMs, traceId } of below) {
          assert.ok(span.startMs <= startMs && startMs <= endMs && endMs <= span.endMs + 1);
          assert.equal(traceId, TRACE);
        }
      },
    );

    await t.step("a failed task's span has the error, without secrets", async () => {
      const id = await enqueue({ task_type: "list", input_data: { path: `/nowhere/${SECRET}` } });
      const span = await until("its span", () => spanOf(collector, "task list", { "actp.task.id": id }));
      assert.equal(span.attributes["actp.task.outcome"], "failed");
      assert.equal(span.parentSpanId, undefined);
      assert.match(span.error!, /nowhere/);
      assert.deepEqual(span.exceptions, [span.error]);
    });

    await t.step("a routine's run has a span", async () => {
      const span = await until("its span", () => spanOf(collector, "routine often", {}));
      assert.equal(span.attributes["actp.routine.status"], "succeeded");
      assert.equal(span.attributes["actp.routine.kind"], "task");
    });

    await t.step("the spans are the service's, and of nothing that was sent is a secret part", () => {
      assert.equal(collector.resource["service.name"], "worker-under-test");
      assert.deepEqual(collector.refused, []);
      assert.ok(!JSON.stringify(collector.spans).includes(SECRET));
    });

    await t.step("metrics are for readers with the token only", async () => {
      const response = await fetch(`${url}/metrics`);
      assert.equal(response.status, 401);
      await response.body?.cancel();
    });

    let text = "";
    await t.step("metrics are valid, and count what was done", async () => {
      const response = await fetch(`${url}/metrics`, { headers: { authorization } });
      assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
      text = await response.text();
      const metrics = readPrometheusText(text);
      const read = (name: string, labels?: Record<string, string>) => valueOf(metrics, name, labels);
      const source = "workflow";
      assert.ok(read("actp_tasks_claimed_total", { source, type: "greet" })! >= 1);
      assert.ok(read("actp_tasks_settled_total", { source, type: "greet", outcome: "done" })! >= 1);
      assert.equal(read("actp_tasks_settled_total", { source, type: "list", outcome: "failed" }), 1);
      assert.equal(read("actp_task_run_seconds_count", { type: "list" }), 1);
      assert.equal(read("actp_task_queue_wait_seconds_count", { type: "list" }), 1);
      assert.equal(read("actp_task_slots"), 3);
      assert.equal(read("actp_ready"), 1);
      assert.equal(read("actp_outage", { dependency: "database" }), 0);
      assert.ok(read("actp_database_call_seconds_count", { function: "actp_claim_tasks" })! > 0);
      assert.ok(read("actp_routines_fired_total", { routine: "often" })! >= 1);
      assert.equal(read("actp_http_requests_total", { method: "POST", route: "/tasks", status: "201" }), 2);
      assert.equal(read("actp_http_requests_total", { method: "GET", route: "/metrics", status: "401" }), 1);
      assert.ok(read("process_resident_memory_bytes")! > 1e7);
      assert.ok(read("process_cpu_seconds_total")! > 0);
      assert.equal(read("actp_build_info"), 1);
    });

    const promtool = await findProgram("promtool");
    await t.step({
      name: "promtool finds nothing wrong with them",
      ignore: promtool === undefined,
      async fn() {
        const check = new Deno.Command(promtool!, {
          args: ["check", "metrics"],
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const writer = check.stdin.getWriter();
        await writer.write(new TextEncoder().encode(text));
        await writer.close();
        const { code, stdout, stderr } = await check.output();
        const told = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
        assert.deepEqual([code, told], [0, ""]);
      },
    });
  } finally {
    child.kill("SIGTERM");
    await output;
  }
});
