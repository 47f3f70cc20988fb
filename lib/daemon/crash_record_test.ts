import assert from "node:assert/strict";
import { tempDir } from "../testing/temp.ts";
import {
  crashRecord,
  crashSummary,
  type CrashTraces,
  readCrashRecord,
  writeCrashRecord,
} from "./crash_record.ts";

const line = (fields: Record<string, unknown>) =>
  JSON.stringify({
    time: "2026-01-01T10:00:00.000Z",
    level: "info",
    category: "actp.task",
    message: "x",
    ...fields,
  });

const TRACES: CrashTraces = {
  leftover: { pid: 7, startedAt: "2026-01-01T00:00:00.000Z", version: "1.0.0", bootId: "a" },
  bootId: "a",
  now: Date.UTC(2026, 0, 2),
  tempFolders: [],
  logLines: [],
  orphansEnded: 0,
  earlier: undefined,
};

Deno.test("what was running is told by the temp folders that are left, its type by the log", () => {
  const id = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";
  const { running } = crashRecord({
    ...TRACES,
    tempFolders: [`${id}-aB3xYz`, `${id}-other1`, "unknown-q1w2e3"],
    logLines: [line({ taskId: id, taskType: "ffmpeg_process" })],
  });
  assert.deepEqual(running, [{ taskId: id, type: "ffmpeg_process" }, { taskId: "unknown" }]);
});

Deno.test("a new start of the machine is told from the death of the process alone", () => {
  assert.equal(crashRecord(TRACES).cause, "died");
  assert.equal(crashRecord({ ...TRACES, bootId: "b" }).cause, "rebooted");
  assert.equal(crashRecord({ ...TRACES, bootId: undefined }).cause, "died");
});

Deno.test("the last words are kept, cut to a bound, and tell when it died", () => {
  const logLines = [...Array(50).fill("old"), line({ time: "2026-01-01T11:00:00.000Z" }), "x".repeat(5000)];
  const { lastLogLines, lastSeenAt } = crashRecord({ ...TRACES, logLines });
  assert.equal(lastSeenAt, "2026-01-01T11:00:00.000Z");
  assert.equal(lastLogLines.length, 30);
  assert.equal(lastLogLines.at(-1)!.length, 2000);
});

Deno.test("crashes are counted over the life of a home folder", async () => {
  await using dir = await tempDir();
  assert.equal(await readCrashRecord(dir.path), undefined);
  writeCrashRecord(dir.path, crashRecord(TRACES));
  const earlier = await readCrashRecord(dir.path);
  assert.equal(earlier?.count, 1);
  assert.equal(crashRecord({ ...TRACES, earlier }).count, 2);
  assert.equal((await Deno.stat(`${dir.path}/last_crash.json`)).mode! & 0o777, 0o600);
});

Deno.test("a spoilt record is none", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(`${dir.path}/last_crash.json`, `{"foundAt": "2026`);
  assert.equal(await readCrashRecord(dir.path), undefined);
});

Deno.test("what a probe may see holds no log lines and no tasks", () => {
  const summary = crashSummary(
    crashRecord({ ...TRACES, logLines: [line({ secret: 1 })], tempFolders: ["t-1"] }),
  );
  assert.deepEqual(Object.keys(summary).sort(), ["cause", "count", "foundAt", "lastSeenAt", "pid"]);
});
