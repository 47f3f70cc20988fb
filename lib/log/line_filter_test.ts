import assert from "node:assert/strict";
import { lineText, matches, parseLogLine } from "./line_filter.ts";

const json = (more: Record<string, unknown> = {}) =>
  JSON.stringify({
    time: "2026-01-01T00:00:00.000Z",
    level: "info",
    category: "actp.task",
    message: "claimed",
    ...more,
  });
const line = (more: Record<string, unknown> = {}) => parseLogLine(json(more));

Deno.test("a record is read back; anything else is no record", () => {
  assert.deepEqual(line({ taskId: "t" }), {
    time: Date.UTC(2026, 0, 1),
    level: "info",
    category: "actp.task",
    message: "claimed",
    fields: { taskId: "t" },
  });
  for (
    const text of [
      "",
      "Fatal JavaScript out of memory",
      "{",
      "{}",
      json({ level: "loud" }),
      json({ time: "now" }),
    ]
  ) {
    assert.equal(parseLogLine(text), undefined, text);
  }
});

Deno.test("lines are asked for by task, agent, level and time, all at once", () => {
  assert.ok(matches(line({ taskId: "t" }), { task: "t" }));
  assert.ok(!matches(line({ taskId: "t" }), { task: "u" }));
  assert.ok(matches(line({ agent: "a" }), { agent: "a" }));
  assert.ok(matches(line({ agentId: "a" }), { agent: "a" }));
  assert.ok(matches(line({ category: "actp.agent.a" }), { agent: "a" }));
  assert.ok(!matches(line({ category: "actp.agent.ab" }), { agent: "a" }));
  assert.ok(matches(line({ level: "error" }), { level: "warning" }));
  assert.ok(!matches(line(), { level: "warning" }));
  assert.ok(matches(line(), { since: Date.UTC(2026, 0, 1) }));
  assert.ok(!matches(line(), { since: Date.UTC(2026, 0, 1) + 1 }));
  assert.ok(!matches(line({ taskId: "t" }), { task: "t", level: "error" }));
});

Deno.test("what is no record is shown only where nothing is asked for", () => {
  assert.ok(matches(undefined, {}));
  assert.ok(!matches(undefined, { level: "trace" }));
});

Deno.test("a record is shown on one line that cannot steer the terminal", () => {
  assert.equal(
    lineText(line({ message: "a\u001b[2Jb\nc", n: 1 })!, false),
    "2026-01-01T00:00:00.000Z INFO    task  a\\u001b[2Jb\\nc  n=1",
  );
});
