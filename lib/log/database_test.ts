import type { LogLevel, LogRecord } from "@logtape/logtape";
import assert from "node:assert/strict";
import type { Clock } from "../clock.ts";
import { databaseLogSink, type LogRow } from "./database.ts";
import { logger, setUpLogging } from "../log.ts";

/** A clock whose sleeps end when the test says so. */
function manualClock() {
  let time = 0;
  const sleepers = new Set<{ ms: number; end: () => void }>();
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = { ms, end: () => (sleepers.delete(sleeper), resolve()) };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", sleeper.end, { once: true });
      });
    },
  };
  const settle = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    clock,
    settle,
    sleeping: () => [...sleepers].map(({ ms }) => ms),
    async pass() {
      for (const sleeper of [...sleepers]) {
        time += sleeper.ms;
        sleeper.end();
      }
      await settle();
    },
  };
}

function record(
  message: string,
  properties = {},
  level: LogLevel = "info",
  category = ["actp", "x"],
): LogRecord {
  return { category, level, message: [message], rawMessage: message, timestamp: 0, properties };
}

function database() {
  const state = { down: false, batches: [] as LogRow[][] };
  const write = (rows: readonly LogRow[]) => {
    if (state.down) return Promise.reject(new Error("connection refused"));
    state.batches.push([...rows]);
    return Promise.resolve();
  };
  const messages = () => state.batches.map((rows) => rows.map((row) => row.message));
  return { state, write, messages };
}

Deno.test("rows wait for company and carry the task they are about", async () => {
  const { clock, pass, sleeping } = manualClock();
  const { state, write } = database();
  const sink = databaseLogSink(write, { clock });
  sink(record("one", { taskId: "t1", n: 1 }));
  sink(record("hidden", {}, "debug"));
  sink(record("two", {}, "error"));
  assert.deepEqual(sleeping(), [2_000]);
  await pass();
  assert.deepEqual(state.batches, [[
    { level: "info", service: "actp.x", job_id: "t1", message: "one", details: { n: 1 }, created_at: iso(0) },
    { level: "error", service: "actp.x", job_id: null, message: "two", details: {}, created_at: iso(0) },
  ]]);
  assert.deepEqual(sleeping(), [], "nothing runs while there is nothing to write");
});

const iso = (ms: number) => new Date(ms).toISOString();

Deno.test("a full batch is written at once", async () => {
  const { clock, settle } = manualClock();
  const { write, messages } = database();
  const sink = databaseLogSink(write, { clock, maxBatch: 2 });
  for (const message of ["a", "b", "c"]) sink(record(message));
  await settle();
  assert.deepEqual(messages(), [["a", "b"]]);
  await sink.flush();
  assert.deepEqual(messages(), [["a", "b"], ["c"]]);
});

Deno.test("an outage keeps rows while there is room, backs off, and is told once at each end", async () => {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line), isTerminal: () => false };
  const logging = setUpLogging({ level: "info", format: "json", secrets: () => [], stream });
  const { clock, pass, sleeping } = manualClock();
  const { state, write, messages } = database();
  const sink = databaseLogSink(write, { clock, maxQueued: 3, maxBatch: 2 });
  logging.addSink(sink);
  state.down = true;
  logger("x").info("r0");
  await pass();
  for (let i = 1; i < 6; i++) logger("x").info(`r${i}`);
  for (let i = 0; i < 8; i++) await pass();
  assert.ok(sleeping()[0] > 40_000 && sleeping()[0] <= 60_000);
  state.down = false;
  await pass();
  await sink.flush();
  assert.deepEqual(messages(), [["3 earlier log rows were dropped: the queue was full", "r3", "r4"], ["r5"]]);
  const told = lines.map((line) => JSON.parse(line)).filter((line) => line.category === "actp.log.database");
  assert.equal(told.length, 2);
  assert.match(told[0].error.message, /connection refused/);
  assert.ok(told[1].outageMs > 60_000);
  assert.equal(told[1].failures, 9);
  await logging.dispose();
});

Deno.test("flush gives up at the first failure, and the rows are tried again later", async () => {
  const { clock, pass } = manualClock();
  const { state, write, messages } = database();
  const sink = databaseLogSink(write, { clock });
  state.down = true;
  sink(record("kept"));
  await sink.flush();
  state.down = false;
  await pass();
  assert.deepEqual(messages(), [["kept"]]);
});

Deno.test("rows that arrive during a write go with the next one, in order and once", async () => {
  const { clock } = manualClock();
  const written: string[] = [];
  const gate = Promise.withResolvers<void>();
  const sink = databaseLogSink(async (rows) => {
    await gate.promise;
    written.push(...rows.map((row) => row.message));
  }, { clock });
  sink(record("a"));
  const flushed = sink.flush();
  sink(record("b"));
  gate.resolve();
  await flushed;
  assert.deepEqual(written, ["a", "b"]);
});

Deno.test("disposing writes what is left, takes nothing more, and does not wait for a database that hangs", async () => {
  const { clock, pass, sleeping } = manualClock();
  const { write, messages } = database();
  const sink = databaseLogSink(write, { clock });
  sink(record("last"));
  await sink[Symbol.asyncDispose]();
  sink(record("too late"));
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(messages(), [["last"]]);

  const hanging = databaseLogSink(() => new Promise(() => {}), { clock });
  hanging(record("stuck"));
  const disposed = hanging[Symbol.asyncDispose]();
  await pass();
  await disposed;
  assert.deepEqual(sleeping(), []);
});
