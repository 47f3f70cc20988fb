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
