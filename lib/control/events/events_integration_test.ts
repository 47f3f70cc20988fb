/** The events over a real socket, on a real embedded database, with the real clock. */
import assert from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import { openEmbedded } from "../../database/embedded.ts";
import { RunningTask } from "../../queue/running.ts";
import { runServices } from "../../service.ts";
import type { WorkerStatus } from "../../status.ts";
import type { AgentStatus } from "../../supervisor/agent_status.ts";
import type { Progress, Task, TaskSource } from "../../task/task.ts";
import { placeEmbedded } from "../../testing/embedded_database.ts";
import { readEvents } from "../../testing/event_stream.ts";
import { tempDir } from "../../testing/temp.ts";
import { openAccessFile } from "../access/access_file.ts";
import { controlServer } from "../server.ts";
import { randomSecret } from "../token.ts";
import { createEventHub } from "./hub.ts";

function progressing(id: string, progress: Progress): RunningTask {
  const task = { id, type: "mine" } as Task;
  const running = new RunningTask(task, { name: "workflow" } as TaskSource, systemClock);
  running.progress = progress;
  return running;
}

Deno.test("whoever reads the events is told what happens here and what others change", async (t) => {
  await using dir = await tempDir();
  await placeEmbedded(`${dir.path}/db`);
  const database = await openEmbedded(`${dir.path}/db`);
  let state: "online" | "degraded" = "online";
  const status = () => Promise.resolve({ status: state, uptime_seconds: performance.now() } as WorkerStatus);
  const agent = (uptime: number) => ({ agent_id: "actp-content", status: "running", uptime }) as AgentStatus;
  const token = randomSecret();
  const access = openAccessFile(`${dir.path}/access.sqlite`);
  const events = createEventHub({
    clock: systemClock,
    database,
    status,
    agents: () => [agent(1)],
    alerts: () =>
      Promise.resolve([{ id: "a1", at: "", severity: "warning", kind: "dead", message: "one is dead" }]),
    secrets: ["hidden-value"],
  });
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status, wake: () => {} },
    token,
    access,
    events,
    database,
    embedded: true,
    onListen: listening.resolve,
  });
  const running = runServices([server, events], stop.signal);
  const url = `http://127.0.0.1:${await listening.promise}`;
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return await response.json();
  };
  const open = async (headers: Record<string, string> = {}) => {
    const { secret } = access.tokens.create({ name: crypto.randomUUID(), scope: "read" });
    const response = await fetch(`${url}/events`, {
      headers: { authorization: `Bearer ${secret}`, ...headers },
    });
    assert.deepEqual([
      response.status,
      response.headers.get("content-type"),
      response.headers.get("cache-control"),
    ], [
      200,
      "text/event-stream; charset=utf-8",
      "no-store",
    ]);
    return readEvents(response.body!);
  };
  let stream!: Awaited<ReturnType<typeof open>>;
  let last = "";
  try {
    await ask("POST", "/tasks", [{ task_type: "old", input_data: { secret: "x" } }]);

    await t.step("first comes how things stand", async () => {
      stream = await open();
      const { event, data } = (await stream.next())!;
      assert.equal(event, "snapshot");
      assert.deepEqual(Object.keys(data), ["status", "agents", "tasks", "approvals", "jobs", "queues"]);
      assert.equal(data.status.status, "online");
      assert.equal(data.agents[0].agent_id, "actp-content");
      assert.deepEqual([data.tasks.length, data.tasks[0].task_type, "input_data" in data.tasks[0]], [
        1,
        "old",
        false,
      ]);
      assert.deepEqual([data.approvals, data.jobs, data.queues], [[], [], { queues: [], limits: [] }]);
      assert.equal((await stream.until("alert")).data.message, "one is dead");
    });

    await t.step(
      "a task that is put in, and one that is cancelled, is told as GET /tasks shows it",
      async () => {
        const [{ id }] = await ask("POST", "/tasks", { task_type: "new" });
        assert.equal((await stream.until("task")).data.id, id);
        await ask("POST", `/tasks/${id}/cancel`, {});
        const { data } = await stream.until("task");
        assert.equal(data.status, "cancelled");
        const { tasks } = await ask("GET", "/tasks?limit=1");
        assert.deepEqual(data, tasks[0]);
      },
    );

    await t.step("what another program changes in the database is told too", async () => {
      const [{ id }] = await database.call<{ id: string }[]>("actp_enqueue_tasks", {
        p_tasks: [{ task_type: "theirs" }],
      });
      assert.equal((await stream.until("task")).data.id, id);
      await database.call("actp_pause_tasks", { p_pattern: "safari_*", p_reason: "too hot" });
      const { data } = await stream.until("queue");
      assert.deepEqual([data.pattern, data.paused, data.paused_reason], ["safari_*", true, "too hot"]);
      await database.call("actp_request_act", {
        p_act: { source: "test", task_id: "t", digest: "d", kind: "post", summary: "post it", preview: {} },
        p_worker_id: "w",
        p_expires_seconds: 60,
      });
      assert.equal((await stream.until("approval")).data.summary, "post it");
    });

    await t.step("this worker's own tasks, agents and runs are told as they happen", async () => {
      const [{ id }] = await ask("POST", "/tasks", { task_type: "mine" });
      await stream.until("task");
      events.queue.progressed!(progressing(id, { percent: 40 }));
      assert.deepEqual((await stream.until("task")).data.progress, { percent: 40 });
      events.agent(() => agent(2));
      events.agent(() => agent(3)); // only its uptime is another
      events.agentRun("actp-content", "r", {
        kind: "tool_call",
        call_id: "1",
        tool: "post",
        input: '{"a":"hidden-value"}',
      });
      const told = [await stream.next(), await stream.next()];
      assert.deepEqual(told.map((event) => event?.event), ["agent", "agent_run"]);
      const { at: _, ...run } = told[1]!.data;
      assert.deepEqual(run, {
        kind: "tool_call",
        call_id: "1",
        tool: "post",
        input: '{"a":"[redacted]"}',
        agent_id: "actp-content",
        run_id: "r",
      });
      state = "degraded";
      const changed = await stream.until("status");
      assert.equal(changed.data.status, "degraded");
      last = changed.id;
    });

    await t.step("a run that tells too much is bounded", async () => {
      for (let i = 0; i < 500; i++) events.agentRun("actp-content", "r", { kind: "text", text: `${i}` });
      events.agent(() => ({ ...agent(1), status: "stopped" }));
      let texts = 0;
      for (let event = await stream.next(); event?.event !== "agent"; event = await stream.next()) texts++;
      assert.ok(texts > 0 && texts <= 100, `${texts}`);
    });

    await t.step("who comes again with the last id misses nothing", async () => {
      await stream.close();
      stream = await open({ "last-event-id": last });
      assert.equal((await stream.next())?.event, "agent_run");
    });

    await t.step("an open stream does not keep the worker from stopping", async () => {
      const began = performance.now();
      stop.abort();
      await running;
      assert.ok(performance.now() - began < 900, `${performance.now() - began}`);
      while (await stream.next());
    });
  } finally {
    stop.abort();
    await running;
    access.close();
    await database.close();
  }
});
