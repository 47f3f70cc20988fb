import assert from "node:assert/strict";
import type { Span } from "@opentelemetry/api";
import type { RunningTask } from "../queue/running.ts";
import type { Outcome, Task, TaskSource } from "../task/task.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { taskSpans } from "./task_spans.ts";
import { asksForTraces, openTracing, type Tracing } from "./tracing.ts";

interface Kept {
  readonly name: string;
  readonly parent: unknown;
  readonly attributes: Record<string, unknown>;
  ended: number;
  error?: string;
}

/** Keeps spans in place of sending them. */
function keptSpans() {
  const spans: Kept[] = [];
  const tracing: Tracing = {
    start(name, { parent, attributes } = {}) {
      const span: Kept = { name, parent, attributes: { ...attributes }, ended: 0 };
      spans.push(span);
      return Object.assign(span, {
        setAttribute: (key: string, value: unknown) => void (span.attributes[key] = value),
        end: () => void span.ended++,
      }) as unknown as Span;
    },
    within: (_, work) => work(),
    fail: (span, error) => void ((span as unknown as Kept).error = error),
  };
  const made = taskSpans(tracing, fakeClock());
  const all = (name: string) => spans.filter((span) => span.name === name);
  return { spans, all, ...made };
}

const SOURCE = { name: "q" } as TaskSource;
const TIMING = { sentAt: 1000, answeredAt: 1010 };

function task(id: string): Task {
  return { id, token: "1", type: "t", attempt: 1, input: {} } as Task;
}

function settlement(id: string, outcome: Outcome) {
  return { task: task(id), outcome, durationMs: 1 };
}

Deno.test("a task's spans end once each, when the queue has answered", async () => {
  const { spans, observer } = keptSpans();
  observer.claimed!("q", [task("1")], TIMING);
  const running = { task: task("1"), source: SOURCE } as RunningTask;
  await observer.attempt!(running, () => Promise.resolve());
  const outcome: Outcome = { kind: "failed", error: "no such file", retry: true };
  observer.ended!(running, outcome);
  assert.deepEqual(spans.map(({ name, ended }) => [name, ended]), [["task t", 0], ["claim", 1], ["run", 1], [
    "settle",
    0,
  ]]);
  observer.settled!("q", [settlement("1", outcome)], ["settled"]);
  observer.settled!("q", [settlement("1", outcome)], ["settled"]);
  assert.ok(spans.every(({ ended }) => ended === 1));
  assert.deepEqual(spans.map(({ error }) => error), ["no such file", undefined, "no such file", undefined]);
  assert.equal(spans[0]!.attributes["actp.task.settled"], "settled");
});

Deno.test("a lost lease ends the span at once: no report follows", () => {
  const { all, observer } = keptSpans();
  observer.claimed!("q", [task("1")], TIMING);
  observer.ended!({ task: task("1"), source: SOURCE, stopReason: "lost" } as RunningTask, {
    kind: "released",
    reason: "lost",
  });
  assert.deepEqual([all("task t")[0]!.ended, all("task t")[0]!.attributes["actp.task.settled"]], [1, "lost"]);
  assert.equal(all("settle").length, 0);
});

Deno.test("what an outage keeps in the journal is bounded, and ends with the worker", () => {
  const { all, observer, close } = keptSpans();
  const ids = Array.from({ length: 10_001 }, (_, i) => String(i));
  observer.claimed!("q", ids.map(task), TIMING);
  const open = () => all("task t").filter(({ ended }) => ended === 0).length;
  assert.equal(open(), 10_000);
  close();
  assert.equal(open(), 0);
  assert.ok(all("task t").every(({ ended }) => ended === 1));
});

Deno.test("an outcome from an earlier life of the worker has no span", () => {
  const { spans, observer } = keptSpans();
  observer.settled!("q", [settlement("9", { kind: "done", output: null })], ["settled"]);
  assert.deepEqual(spans, []);
});

Deno.test("traces are made only where Deno is asked for them", async () => {
  assert.ok(asksForTraces({ OTEL_DENO: "true" }) && asksForTraces({ OTEL_DENO: "1" }));
  for (
    const env of [
      {},
      { OTEL_DENO: "false" },
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://x" },
      { OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" },
      { OTEL_DENO: "true", OTEL_DENO_TRACING: "false" },
    ] as Record<string, string>[]
  ) assert.ok(!asksForTraces(env));
  assert.equal(await openTracing({}, (text) => text), undefined);
});
