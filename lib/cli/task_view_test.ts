import assert from "node:assert/strict";
import { recordingTerminal } from "../testing/cli.ts";
import { progressLine, resultText, taskDetail, type TaskRow } from "./task_view.ts";
import { duration, printable, table } from "./terminal.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const TASK: TaskRow = {
  id: "7f1e",
  task_type: "render",
  status: "running",
  priority: 0,
  attempts: 1,
  max_attempts: 3,
  input_data: {},
  output_data: null,
  error: null,
  progress: { percent: 52, remaining_seconds: 2.2, message: "encoding" },
  claimed_by: "w",
  claimed_at: null,
  started_at: null,
  completed_at: null,
  created_at: "2026-11-20T11:00:00Z",
  run_at: "2026-11-20T11:00:00Z",
  cancel_requested_at: null,
  cancel_reason: null,
};

Deno.test("a running task is a bar with its percentage, remaining time and message", () => {
  assert.equal(progressLine(TASK, NOW), "render  running  [##########----------] 52 %  3 s left  encoding");
});

Deno.test("a task that waits for its retry says when and after which attempt", () => {
  const waiting = { ...TASK, status: "pending", progress: null, run_at: new Date(NOW + 4000).toISOString() };
  assert.equal(progressLine(waiting, NOW), "render  pending  due in 4.0 s  after attempt 1 of 3");
});

Deno.test("a task that waits for a person says so, and not when its approval expires", () => {
  const expires_at = new Date(NOW + 3_600_000).toISOString();
  const approval = { id: "a1", summary: "post it", expires_at };
  const waiting = { ...TASK, status: "pending", attempts: 0, progress: null, run_at: expires_at, approval };
  assert.equal(
    progressLine(waiting, NOW),
    "render  pending  waiting for approval a1, for 1.0 h more",
  );
  const detail = taskDetail(recordingTerminal(), waiting).join("\n");
  assert.match(detail, /^due +when it is approved\napproval +a1 until 2026-11-20T13:00:00.000Z: post it$/m);
});

Deno.test("what a task's program says cannot control the terminal", () => {
  const evil = { ...TASK, progress: { percent: 1, message: "\x1b[2Jgone\r\nnew" } };
  assert.match(progressLine(evil, NOW), / \[2Jgone new$/);
  assert.equal(printable("a\x00b\x9bc"), "a b c");
});

Deno.test("a long result is cut", () => {
  const done = { ...TASK, status: "succeeded", output_data: { text: "x".repeat(500) } };
  assert.equal(resultText(done, 20).length, 20);
});

Deno.test("the detail shows every failed attempt with its last lines", () => {
  const failed: TaskRow = {
    ...TASK,
    status: "failed",
    error: "boom",
    history: [{
      attempt: 1,
      worker_id: "w",
      outcome: "failed",
      error: "boom",
      log_tail: "one\ntwo",
      duration_ms: 1500,
      ended_at: "2026-11-20T11:00:02Z",
    }],
  };
  const text = taskDetail(recordingTerminal(), failed).join("\n");
  assert.match(text, /attempt 1: failed after 1\.5 s on w, 2026-11-20T11:00:02Z: boom\n {4}one\n {4}two/);
});

Deno.test("a lost attempt shows how long it ran, where, and what came too late", () => {
  const lost: TaskRow = {
    ...TASK,
    history: [{
      attempt: 1,
      worker_id: "w1",
      outcome: "lost",
      error: "the worker stopped answering",
      log_tail: null,
      duration_ms: 65_000,
      ended_at: "2026-11-20T11:01:05Z",
      late_report: {
        outcome: "failed",
        error: "too\nlate",
        worker_id: "w1",
        reported_at: "2026-11-20T11:10:00Z",
      },
    }],
  };
  assert.deepEqual(taskDetail(recordingTerminal(), lost).slice(-2), [
    "attempt 1: lost after 1 min on w1, 2026-11-20T11:01:05Z: the worker stopped answering",
    "    refused: w1 reported failed at 2026-11-20T11:10:00Z: too late",
  ]);
});

Deno.test("columns are as wide as their longest cell, colours not counted", () => {
  assert.deepEqual(table(["A", "B"], [["\x1b[31mlong\x1b[0m", "x"], ["s", "y"]]), [
    "A     B",
    "\x1b[31mlong\x1b[0m  x",
    "s     y",
  ]);
});

Deno.test("durations are told in the unit that fits", () => {
  assert.deepEqual([12, 1234, 90_000, 7_200_000].map(duration), ["12 ms", "1.2 s", "2 min", "2.0 h"]);
});
