import assert from "node:assert/strict";
import type { Progress, Task } from "../../lib/task/task.ts";
import { Reports, taskLine } from "./protocol.ts";

function listen() {
  const progress: Progress[] = [];
  const log: string[] = [];
  let lastWords = 0;
  const reports = new Reports({
    progress: (report) => void progress.push(report),
    log: (level, text) => void log.push(`${level} ${text}`),
    lastWord: () => void lastWords++,
  });
  const take = (...lines: unknown[]) =>
    lines.forEach((line) => reports.take(typeof line === "string" ? line : JSON.stringify(line), false));
  return { reports, take, progress, log, lastWords: () => lastWords };
}

Deno.test("the task is told in one line, without the claim's token", () => {
  const task: Task = {
    id: "t1",
    type: "resize",
    input: {},
    attempt: 2,
    maxAttempts: 3,
    priority: 5,
    token: "secret-token",
    timeoutMs: 60_000,
    createdAt: "2026-01-01T00:00:00.000Z",
  };
  const line = taskLine(task, { text: "a\nb" }, { tempDir: "/tmp/x", outputDir: "/out/t1" });
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.doesNotMatch(line, /token/);
  assert.deepEqual(JSON.parse(line), {
    type: "task",
    protocol: 1,
    task: {
      id: "t1",
      type: "resize",
      attempt: 2,
      maxAttempts: 3,
      priority: 5,
      timeoutMs: 60_000,
      createdAt: "2026-01-01T00:00:00.000Z",
    },
    input: { text: "a\nb" },
    tempDir: "/tmp/x",
    outputDir: "/out/t1",
  });
});

Deno.test("progress and log lines are passed on as they come", () => {
  const { take, progress, log, reports } = listen();
  take(
    { type: "progress", percent: 40, message: "reading", remaining_seconds: 3 },
    { type: "log", level: "warning", message: "slow" },
    { type: "log", message: "plain" },
    "",
  );
  assert.deepEqual(progress, [{ percent: 40, message: "reading", remainingSeconds: 3 }]);
  assert.deepEqual(log, ["warning slow", "info plain"]);
  assert.deepEqual([reports.lastWord, reports.stray.count], [undefined, 0]);
});

Deno.test("the first result or error counts; what comes after it is counted as stray", () => {
  const { take, reports, lastWords, progress, log } = listen();
  take({ type: "result", output: { a: 1 } }, { type: "error", message: "oh" }, { type: "result", output: 2 });
  take({ type: "progress", percent: 1 }, { type: "log", message: "bye" });
  assert.deepEqual(reports.lastWord, { type: "result", output: { a: 1 } });
  assert.deepEqual([lastWords(), reports.stray.count, progress, log], [1, 3, [], ["info bye"]]);
});

Deno.test("an error may be tried again unless it says otherwise", () => {
  const [one, two] = [listen(), listen()];
  one.take({ type: "error", message: "busy" });
  two.take({ type: "error", message: "bad", retry: false });
  assert.deepEqual([one.reports.lastWord, two.reports.lastWord], [
    { type: "error", message: "busy", retry: true },
    { type: "error", message: "bad", retry: false },
  ]);
});

Deno.test("lines that are no messages are counted, and the first is kept, cut short", () => {
  const { take, reports } = listen();
  take("x".repeat(500), "{not json", { type: "unknown" }, { type: "progress", percent: 400 }, "[1]", "null");
  assert.deepEqual([reports.stray.count, reports.stray.first], [6, "x".repeat(200)]);
});

Deno.test("a message that was too long to be read is an error for good, a too long text is only stray", () => {
  const one = listen();
  one.reports.take("y".repeat(100), true);
  assert.deepEqual([one.reports.lastWord, one.reports.stray.count], [undefined, 1]);
  one.reports.take(`{"type":"result","output":"`, true);
  assert.deepEqual(one.reports.lastWord, {
    type: "error",
    message: "it wrote a line longer than 1000000 bytes",
    retry: false,
  });
});

Deno.test("a flood of log lines is cut, which is said once", () => {
  const { take, log } = listen();
  for (let i = 0; i < 10_100; i++) take({ type: "log", message: String(i) });
  assert.equal(log.length, 10_001);
  assert.match(log.at(-1)!, /more than 10000 lines of log/);
});
