import assert from "node:assert/strict";
import { formatOrder, formatReport, parseOrder, parseReport } from "./protocol.ts";

Deno.test("what an agent reports comes back as it was, on one line", () => {
  const reports = [
    { type: "ready" },
    {
      type: "heartbeat",
      state: "busy",
      health: { status: "unhealthy", reason: "5 errors in a row", errors_in_a_row: 5 },
      run: { id: "r1", goal: "two\nlines" },
    },
    { type: "run_started", run: { id: "r1", goal: "g" } },
    { type: "run_ended", run: { id: "r1" }, outcome: "failed", error: "no" },
    {
      type: "run_ended",
      run: { id: "r1" },
      outcome: "end_turn",
      usage: {
        input_tokens: 9,
        output_tokens: 3,
        cache_read_tokens: 0,
        cache_write_tokens: 1,
        cost_usd: 0.5,
      },
    },
    { type: "log", level: "warning", message: "m", fields: { tool: "t" } },
  ] as const;
  for (const report of reports) {
    const line = formatReport(report);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(parseReport(line.trimEnd()), report);
  }
});

Deno.test("a heartbeat needs nothing but its type", () => {
  assert.deepEqual(parseReport(`{"type":"heartbeat"}`), {
    type: "heartbeat",
    state: "idle",
    health: { status: "healthy" },
  });
});

Deno.test("what a run used may be told in part, and what makes no sense is left out", () => {
  const usageOf = (usage: unknown) => {
    const report = parseReport(
      JSON.stringify({ type: "run_ended", run: { id: "r" }, outcome: "done", usage }),
    );
    assert.ok(report?.type === "run_ended");
    return report.usage;
  };
  const none = {
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cost_usd: 0,
  };
  assert.deepEqual(usageOf({ input_tokens: 7 }), { ...none, input_tokens: 7 });
  for (const usage of [5, { input_tokens: -1 }, { cost_usd: "much" }, { output_tokens: 1.5 }]) {
    assert.equal(usageOf(usage), undefined);
  }
});

Deno.test("lines that are no report are told apart from those that are", () => {
  for (
    const line of ["", "hello", "{", "{}", "[1]", `{"type":"heartbeat","state":"asleep"}`, `{"type":"drain"}`]
  ) {
    assert.equal(parseReport(line), undefined, line);
  }
});

Deno.test("a goal that is too long is cut before it is sent, so that the report is still understood", () => {
  const report = parseReport(
    formatReport({ type: "run_started", run: { id: "r", goal: "x".repeat(10_000) } }).trimEnd(),
  );
  assert.equal(report?.type === "run_started" && report.run.goal?.length, 4_000);
});

Deno.test("orders are understood, and what a later version may order is not", () => {
  assert.deepEqual(parseOrder(formatOrder({ type: "drain" }).trimEnd()), { type: "drain" });
  assert.deepEqual(parseOrder(formatOrder({ type: "wake" }).trimEnd()), { type: "wake" });
  assert.equal(parseOrder(`{"type":"dance"}`), undefined);
});
