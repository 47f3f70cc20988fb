import assert from "node:assert/strict";
import { type CallOptions, type Database, DatabaseError } from "../database/database.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { type CurrentTask, Registration, WorkerIdTakenError } from "./registration.ts";
import { Outage } from "./outage.ts";

/** A database that knows only workers. */
function workerTable() {
  const calls: { fn: string; args: Record<string, unknown>; at: number }[] = [];
  const clock = fakeClock();
  const table = {
    clock,
    calls,
    registered: false,
    /** The host on which another living worker uses the id. */
    takenBy: undefined as string | undefined,
    fault: undefined as "refuse" | "deaf" | undefined,
    names: () => calls.map(({ fn, args }) => `${fn.split("_")[1]} ${args.p_status ?? ""}`.trim()),
    database: {
      description: "test",
      call(fn: string, args: Record<string, unknown> = {}, _?: CallOptions) {
        calls.push({ fn, args, at: clock.monotonic() });
        if (table.fault === "deaf") return new Promise<never>(() => {});
        return Promise.resolve().then(() => answer(fn));
      },
      close: () => Promise.resolve(),
    } as Database,
  };
  function answer(fn: string): unknown {
    if (table.fault) throw new DatabaseError("connection refused", { transient: true });
    if (fn === "actp_register_worker") {
      if (table.takenBy) return { registered: false, hostname: table.takenBy };
      table.registered = true;
      return { registered: true };
    }
    if (!table.registered) throw new DatabaseError("not registered", { code: "PT404", transient: false });
    return {};
  }
  return table;
}

function setUp() {
  const table = workerTable();
  const tasks: CurrentTask[] = [];
  const types = ["echo"];
  const registration = new Registration({
    database: table.database,
    identity: {
      worker_id: "w1",
      hostname: "here",
      os_version: "x",
      version: "1",
      max_concurrent: 3,
    },
    types: () => [...types],
    systemInfo: () => ({ executors: types.length }),
    current: () => tasks,
    startedAt: "2026-01-01T00:00:00.000Z",
    intervalMs: 30_000,
    clock: table.clock,
    outage: new Outage("the database", table.clock),
  });
  const stop = new AbortController();
  return { table, clock: table.clock, tasks, types, registration, stop, run: registration.run(stop.signal) };
}

Deno.test("a worker registers, tells that it lives and what it does, and says goodbye", async () => {
  const { table, clock, tasks, stop, run } = setUp();
  await clock.advance(30_000);
  tasks.push({ task_id: "t", task_type: "echo", started_at: "2026-01-01T00:00:00.000Z" });
  await clock.advance(30_000);
  stop.abort();
  await run;
  assert.deepEqual(table.names(), ["register", "heartbeat online", "heartbeat busy", "heartbeat offline"]);
  assert.deepEqual(table.calls[2].args.p_current, tasks);
  assert.deepEqual(table.calls[3].args.p_current, []);
  await clock.advance(0);
  assert.equal(clock.pending(), 0);
});

Deno.test("changed capabilities are told at once, with all that is known of them, and only once", async () => {
  const { table, clock, types, registration, stop, run } = setUp();
  await clock.advance(1000);
  types.push("resize");
  registration.changed();
  await clock.advance(0);
  await clock.advance(30_000);
  assert.deepEqual(table.names(), ["register", "register", "heartbeat online", "heartbeat online"]);
  const [, { args }] = table.calls;
  assert.deepEqual((args.p_worker as Record<string, unknown>).system_info, { executors: 2 });
  assert.deepEqual(table.calls.at(-1)?.args.p_capabilities, ["echo", "resize"]);
  stop.abort();
  await run;
});

Deno.test("a change that an outage kept from being told is told when it is over", async () => {
  await using _ = capturedLog();
  const { table, clock, registration, stop, run } = setUp();
  await clock.advance(1000);
  table.fault = "refuse";
  registration.changed();
  await clock.advance(10_000);
  table.fault = undefined;
  await clock.advance(30_000);
  assert.deepEqual(table.names().slice(-2), ["register", "heartbeat online"]);
  stop.abort();
  await run;
});

Deno.test("a worker whose row was deleted registers again at once, and that is no outage", async () => {
  await using log = capturedLog();
  const { table, clock, stop, run } = setUp();
  await clock.advance(1000);
  table.registered = false;
  await clock.advance(29_000);
  assert.deepEqual(table.names(), ["register", "heartbeat online", "register"]);
  await clock.advance(30_000);
  assert.equal(table.names().at(-1), "heartbeat online");
  assert.deepEqual(log.messages("outage"), []);
  stop.abort();
  await run;
});

Deno.test("an id that a living worker on another host uses is refused, naming the host", async () => {
  const table = setUp();
  table.table.takenBy = "there";
  await assert.rejects(
    table.run,
    (error: Error) =>
      error instanceof WorkerIdTakenError && /"w1" is in use on the host "there"/.test(error.message),
  );
  assert.equal(table.table.calls.length, 1);
});

Deno.test("in an outage it tries again with back-off of at most its interval, also to register", async () => {
  await using log = capturedLog();
  const { table, clock, stop, run } = setUp();
  table.fault = "refuse";
  await clock.advance(300_000);
  const times = table.calls.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - times[i]);
  assert.ok(gaps[0] <= 1000 && gaps.at(-1)! >= 24_000 && gaps.every((gap) => gap <= 30_000), `${gaps}`);
  table.fault = undefined;
  await clock.advance(30_000);
  assert.equal(table.registered, true);
  assert.equal(log.messages("outage").length, 2);
  stop.abort();
  await run;
});

Deno.test("a call that hangs is given up, and holds up a stop by 2 s at most", async () => {
  await using log = capturedLog();
  const { table, clock, stop, run } = setUp();
  await clock.advance(1000);
  table.fault = "deaf";
  await clock.advance(29_000 + 15_000);
  assert.deepEqual(log.messages("outage"), ["no answer within 15 s"]);
  stop.abort();
  await clock.advance(2000);
  await run;
  assert.equal(table.names().at(-1), "heartbeat offline");
  assert.equal(log.messages("registration").length, 1);
});
