import assert from "node:assert/strict";
import { redactor } from "../log/redaction.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { formatReport, MAX_LINE_BYTES, parseReport } from "./protocol.ts";
import { MAX_EVENT_TEXT, type ReportedRunEvent, RunRelay } from "./run_events.ts";

const SECRET = "sb-very-secret-value";

function setUp() {
  const clock = fakeClock();
  const told: ReportedRunEvent[] = [];
  const relay = new RunRelay({ report: (event) => told.push(event), redactor: redactor([SECRET]), clock });
  return { clock, told, relay };
}

Deno.test("text is gathered for half a second, and goes out before what follows it", async () => {
  const { clock, told, relay } = setUp();
  for (const text of ["I look ", "at ", "the weather", " now"]) relay.take({ type: "text", text });
  await clock.advance(499);
  assert.deepEqual(told, []);
  await clock.advance(1);
  assert.deepEqual(told.splice(0), [{ kind: "text", text: "I look at the weather " }]);
  relay.take({ type: "tool_call", id: "1", tool: "weather", input: { city: "Oslo" } });
  assert.deepEqual(told.splice(0), [
    { kind: "text", text: "now" },
    { kind: "tool_call", call_id: "1", tool: "weather", input: '{"city":"Oslo"}' },
  ]);
  relay.take({ type: "text", text: "done" });
  relay.end();
  assert.deepEqual(told, [{ kind: "text", text: "done" }]);
  assert.equal(clock.pending(), 0);
});

Deno.test("a secret comes out nowhere, also not in two pieces or in a tool's input or result", async () => {
  const { clock, told, relay } = setUp();
  relay.take({ type: "text", text: `the key is ${SECRET.slice(0, 8)}` });
  await clock.advance(500);
  relay.take({ type: "text", text: `${SECRET.slice(8)} and more ` });
  await clock.advance(500);
  relay.take({
    type: "tool_call",
    id: "1",
    tool: "t",
    input: { password: "hunter2", note: `see ${SECRET}` },
  });
  relay.take({
    type: "tool_result",
    id: "1",
    tool: "t",
    result: `ok ${SECRET}`,
    failed: false,
    durationMs: 1.5,
  });
  const all = JSON.stringify(told);
  assert.ok(!all.includes(SECRET) && !all.includes("sb-very") && !all.includes("hunter2"), all);
  assert.match(all, /the key is \[redacted\]|\[redacted\] and more/);
});

Deno.test("however much there is, every event is a report that can be read", () => {
  const { told, relay } = setUp();
  const long = "\u0001€".repeat(50_000);
  relay.take({ type: "text", text: long });
  relay.take({ type: "tool_call", id: "1", tool: "x".repeat(999), input: { long } });
  relay.take({ type: "tool_result", id: "1", tool: "t", result: long, failed: true, durationMs: 3 });
  relay.take({ type: "retry", reason: long, delayMs: 1 });
  const use = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 };
  relay.take({ type: "model_call", model: "m", use, costUsd: 0.1, runCostUsd: 0.2 });
  for (const event of told) {
    const line = formatReport({ type: "run_event", run: { id: "r" }, event });
    assert.ok(line.length <= MAX_LINE_BYTES);
    assert.deepEqual(parseReport(line), { type: "run_event", run: { id: "r" }, event });
  }
  assert.deepEqual(told.at(-1), {
    kind: "model_call",
    model: "m",
    input_tokens: 8,
    output_tokens: 2,
    cost_usd: 0.1,
    run_cost_usd: 0.2,
  });
  assert.ok(told.every((event) => JSON.stringify(event).length < 8 * MAX_EVENT_TEXT));
});
