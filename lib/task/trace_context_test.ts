import assert from "node:assert/strict";
import { traceContextOf, withoutTraceContext } from "./trace_context.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const READ = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", flags: 1 };

Deno.test("the trace is found in the input and in its metadata", () => {
  assert.deepEqual(traceContextOf({ traceparent: PARENT }), READ);
  assert.deepEqual(traceContextOf({ metadata: { traceparent: PARENT } }), READ);
  assert.deepEqual(traceContextOf({ traceparent: "01" + PARENT.slice(2) + "-more" }), READ);
});

Deno.test("what is no valid trace counts as none", () => {
  const wrong = [
    undefined,
    null,
    "text",
    [],
    {},
    { traceparent: 5 },
    { traceparent: PARENT.toUpperCase() },
    { traceparent: "ff" + PARENT.slice(2) },
    { traceparent: PARENT.replace(/[0-9a-f]{32}/, "0".repeat(32)) },
    { traceparent: PARENT.replace("00f067aa0ba902b7", "0".repeat(16)) },
    { traceparent: `${PARENT}-${"x".repeat(500)}` },
    { metadata: "traceparent" },
  ];
  for (const input of wrong) assert.equal(traceContextOf(input), undefined, JSON.stringify(input));
});

Deno.test("executors do not see the trace beside their input", () => {
  assert.deepEqual(withoutTraceContext({ a: 1, traceparent: PARENT, tracestate: "x=1" }), { a: 1 });
  const untouched = { a: 1, metadata: { traceparent: PARENT } };
  assert.equal(withoutTraceContext(untouched), untouched);
  assert.equal(withoutTraceContext(null), null);
});
