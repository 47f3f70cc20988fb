import assert from "node:assert/strict";
import { DatabaseError } from "../database/database.ts";
import type { RunningTask } from "../queue/running.ts";
import type { Routine } from "../schedule/routine.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import type { Outcome, Task } from "../task/task.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { readPrometheusText, valueOf } from "../testing/prometheus_text.ts";
import { createMetrics, type Metrics, type MetricsSources } from "./metrics.ts";

const NOW = Date.parse("2026-03-02T08:00:00Z");

function sources(more: Partial<MetricsSources> = {}): MetricsSources {
  return {
    figures: () => ({ running: 2, slots: 3, journal: 4, ready: true, draining: false, outages: [] }),
    agents: () => [],
    scheduler: () => undefined,
    ...more,
  };
}

async function read(metrics: Metrics, more: Partial<MetricsSources> = {}) {
  const all = readPrometheusText(await metrics.text(sources(more)));
  return (name: string, labels?: Record<string, string>) => valueOf(all, name, labels);
}

function task(more: Partial<Task> = {}): Task {
  return {
    id: "1",
    type: "t",
    attempt: 1,
    token: "1",
    createdAt: new Date(NOW - 3000).toISOString(),
    ...more,
  } as Task;
}

const TIMING = { sentAt: NOW - 10, answeredAt: NOW };

Deno.test("claims, waits, retries, runs and outcomes are counted by type", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  const { queue } = metrics;
  queue.claimed!("q", [task(), task({ attempt: 2 })], TIMING);
  queue.claimed!("q", [], TIMING);
  queue.claimFailed!("q");
  queue.ended!({ task: task(), elapsedMs: 2000 } as RunningTask, { kind: "done", output: null });
  const settled = (...kinds: Outcome["kind"][]) =>
    kinds.map((kind) => ({ task: task(), outcome: { kind } as Outcome, durationMs: 1 }));
  queue.settled!("q", settled("done", "timedOut", "failed"), ["settled", "settled", "lost"]);
  queue.renewed!("q", ["ok", "ok", "cancel"]);
  queue.renewalFailed!("q", 3);
  queue.leaseLost!("q");
  queue.settleFailed!("q");
  const value = await read(metrics);
  const of = { source: "q", type: "t" };
  assert.equal(value("actp_claims_total", { result: "ok" }), 2);
  assert.equal(value("actp_claims_total", { result: "error" }), 1);
  assert.equal(value("actp_tasks_claimed_total", of), 2);
  assert.equal(value("actp_task_retries_total", of), 1);
  assert.equal(value("actp_task_queue_wait_seconds_sum", { type: "t" }), 3);
  assert.equal(value("actp_task_queue_wait_seconds_count", { type: "t" }), 1);
  assert.equal(value("actp_task_run_seconds_sum", { type: "t" }), 2);
  assert.equal(value("actp_tasks_settled_total", { ...of, outcome: "done" }), 1);
  assert.equal(value("actp_tasks_settled_total", { ...of, outcome: "timed_out" }), 1);
  assert.equal(value("actp_tasks_settled_total", { ...of, outcome: "failed" }), undefined);
  assert.equal(value("actp_tasks_refused_total", of), 1);
  assert.equal(value("actp_lease_renewals_total", { answer: "ok" }), 2);
  assert.equal(value("actp_lease_renewals_total", { answer: "error" }), 3);
  assert.equal(value("actp_leases_lost_total"), 1);
  assert.equal(value("actp_settle_errors_total"), 1);
  assert.deepEqual(["running", "claimed"].map((each) => value(`actp_tasks_${each}`)), [2, undefined]);
  assert.equal(value("actp_journal_outcomes"), 4);
});

Deno.test("a task from a machine whose clock is ahead has waited for nothing", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  metrics.queue.claimed!("q", [
    task({ createdAt: new Date(NOW + 60_000).toISOString() }),
    task({ createdAt: "?" }),
  ], TIMING);
  assert.equal((await read(metrics))("actp_task_queue_wait_seconds_sum"), 0);
});

Deno.test("an outage is shown while it lasts, and its seconds add up over scrapes", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  const outage = (totalMs: number, out: boolean) => ({
    figures: () => ({
      ...sources().figures(),
      outages: [{
        name: "the database",
        totalMs,
        state: out ? { since: NOW, error: "no", transient: true } : undefined,
      }],
    }),
  });
  const dependency = "database";
  let value = await read(metrics, outage(2500, true));
  assert.deepEqual([value("actp_outage", { dependency }), value("actp_outage_seconds_total")], [1, 2.5]);
  value = await read(metrics, outage(4000, false));
  assert.deepEqual([value("actp_outage", { dependency }), value("actp_outage_seconds_total")], [0, 4]);
});

Deno.test("calls of the database are timed by function, and errors told apart", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  metrics.call({ fn: "f", ms: 20 });
  metrics.call({ fn: "f", ms: 30, error: new DatabaseError("no", { transient: true }) });
  metrics.call({ fn: "f", ms: 30, error: new DatabaseError("no", { transient: false }) });
  const value = await read(metrics);
  assert.equal(value("actp_database_call_seconds_count", { function: "f" }), 3);
  assert.equal(value("actp_database_errors_total", { function: "f", kind: "refused" }), 1);
  assert.equal(value("actp_database_errors_total", { function: "f", kind: "unreachable" }), 1);
});

Deno.test("names that anybody can make up do not make series without end", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  for (let i = 0; i < 2000; i++) {
    metrics.call({ fn: `actp_made_up_${i}`, ms: 1 });
    metrics.agents.runEnded("a", `outcome ${i}`, undefined);
    metrics.routines.fired!({ id: `r${i}` } as Routine, 1);
    metrics.requests({ method: `M${i}`, route: "unmatched", status: 404, ms: 1 });
  }
  const all = readPrometheusText(await metrics.text(sources()));
  const series = (name: string) => all.get(name)!.samples.length;
  assert.equal(
    all.get("actp_database_call_seconds")!.samples.filter(({ name }) => name.endsWith("_count")).length,
    301,
  );
  assert.equal(series("actp_agent_runs_total"), 31);
  assert.equal(series("actp_routines_fired_total"), 201);
  assert.equal(series("actp_http_requests_total"), 1);
});

Deno.test("agents are told by their state, restarts, crashes, runs, tokens and cost", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  const usage = {
    input_tokens: 10,
    output_tokens: 5,
    cache_read_tokens: 3,
    cache_write_tokens: 1,
    cost_usd: 0.25,
  };
  metrics.agents.started("a");
  metrics.agents.crashed("a");
  metrics.agents.started("a");
  metrics.agents.runEnded("a", "end_turn", usage);
  metrics.agents.runEnded("a", "end_turn", undefined);
  const status = {
    agent_id: "a",
    enabled: true,
    status: "backing off",
    health: { status: "unhealthy" },
    memory_mb: 2,
  } as AgentStatus;
  const off = { ...status, agent_id: "off", enabled: false, status: "stopped" } as AgentStatus;
  let value = await read(metrics, { agents: () => [status, off] });
  assert.equal(value("actp_agent_state", { agent: "a", state: "backing_off" }), 1);
  assert.equal(value("actp_agent_state", { agent: "a", state: "running" }), 0);
  assert.equal(value("actp_agent_state", { agent: "off" }), undefined);
  assert.equal(value("actp_agent_healthy", { agent: "a" }), 0);
  assert.equal(value("actp_agent_memory_bytes", { agent: "a" }), 2 * 2 ** 20);
  assert.equal(value("actp_agent_restarts_total", { agent: "a" }), 1);
  assert.equal(value("actp_agent_crashes_total", { agent: "a" }), 1);
  assert.equal(value("actp_agent_runs_total", { agent: "a", outcome: "end_turn" }), 2);
  assert.equal(value("actp_agent_tokens_total", { agent: "a", kind: "cache_read" }), 3);
  assert.equal(value("actp_agent_cost_usd_total", { agent: "a" }), 0.25);
  value = await read(metrics, {
    agents: () => [{ ...status, status: "running", health: null, memory_mb: null }],
  });
  assert.equal(value("actp_agent_state", { agent: "a", state: "backing_off" }), 0);
  assert.equal(value("actp_agent_memory_bytes", { agent: "a" }), undefined);
});

Deno.test("routines are told by what fired, was late, missed and how it ended; notifications by channel", async () => {
  const metrics = await createMetrics(fakeClock(NOW));
  const routine = { id: "r", action: { kind: "task" } } as Routine;
  metrics.routines.fired!(routine, 1500);
  metrics.routines.ended!(routine, "timed_out", 2000);
  metrics.routines.missed!("r", 4);
  metrics.deliveries("slack", "sent", 3);
  metrics.deliveries("slack", "failed", 1);
  const scheduler = () => ({
    alive: true,
    last_tick_seconds: 1,
    routines: 9,
    on: 7,
    running: 1,
    next_due_at: null,
    error: null,
  });
  const value = await read(metrics, { scheduler });
  assert.equal(value("actp_routines_fired_total", { routine: "r" }), 1);
  assert.equal(value("actp_routine_late_seconds_sum"), 1.5);
  assert.equal(value("actp_routines_missed_total", { routine: "r" }), 4);
  assert.equal(value("actp_routine_runs_total", { routine: "r", status: "timed_out" }), 1);
  assert.equal(value("actp_routine_run_seconds_sum", { kind: "task" }), 2);
  assert.deepEqual(
    [value("actp_scheduler_alive"), value("actp_routines_on"), value("actp_routines_running")],
    [1, 7, 1],
  );
  assert.equal(value("actp_notifications_total", { channel: "slack", result: "sent" }), 3);
});

Deno.test("a timer that fires late shows, and the processor's time never runs back", async () => {
  const clock = fakeClock(NOW);
  const metrics = await createMetrics(clock);
  const stop = new AbortController();
  const running = metrics.service.run(stop.signal);
  await clock.advance(2000);
  await clock.advance(2000);
  stop.abort();
  await running;
  const value = await read(metrics);
  assert.equal(value("actp_event_loop_lag_seconds_count"), 2);
  const cpu = value("process_cpu_seconds_total")!;
  assert.ok(cpu > 0 && (await read(metrics))("process_cpu_seconds_total")! >= cpu);
  assert.equal(clock.pending(), 0);
});
