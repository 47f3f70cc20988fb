import assert from "node:assert/strict";
import { type Database, DatabaseError } from "../../database/database.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import type { ControlEvent } from "./event.ts";
import { Watcher } from "./watcher.ts";

const NOTHING = { tasks: [], gone: [], acts: [], limits: [], routines: [] };
const row = (id: string, status: string, version: string) => [version, 1, { id, status }];

/** A watcher on a database that answers as a test tells it, and takes its time. */
function setUp() {
  const clock = fakeClock();
  const events: ControlEvent[] = [];
  const calls: Record<string, unknown>[] = [];
  const answers: { now: unknown; takesMs: number; fails: boolean } = {
    now: NOTHING,
    takesMs: 0,
    fails: false,
  };
  const database: Database = {
    description: "scripted",
    async call<T>(fn: string, args?: Record<string, unknown>) {
      assert.equal(fn, "actp_watch");
      calls.push(args!);
      await (answers.takesMs > 0 ? clock.sleep(answers.takesMs) : undefined);
      if (answers.fails) throw new DatabaseError("away", { transient: true });
      return { ...NOTHING, ...answers.now as object } as T;
    },
    close: () => Promise.resolve(),
  };
  const watcher = new Watcher({ database, clock, publish: (event) => events.push(event) });
  const stop = new AbortController();
  const running = watcher.run(stop.signal);
  const told = () => events.splice(0).map(({ type, data }) => [type, (data as { status?: unknown }).status]);
  return {
    clock,
    calls,
    answers,
    watcher,
    told,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("how things stand at first is no news; what changes after it is, once", async () => {
  await using bench = setUp();
  const { answers, clock, told, watcher } = bench;
  answers.now = { tasks: [row("a", "pending", "1")] };
  await clock.advance(0);
  assert.deepEqual(told(), []);
  assert.deepEqual((await watcher.state(0))?.tasks, [{ id: "a", status: "pending" }]);
  answers.now = { tasks: [row("a", "claimed", "2")] };
  await clock.advance(1000);
  await clock.advance(1000);
  assert.deepEqual(told(), [["task", "claimed"]]);
});

Deno.test("it looks once a second, soon after a hint, and less often at a slow database", async () => {
  await using bench = setUp();
  const { answers, clock, calls, watcher } = bench;
  await clock.advance(10_000);
  assert.equal(calls.length, 11);
  watcher.look("0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001");
  await clock.advance(250);
  assert.equal(calls.length, 12);
  assert.deepEqual(calls.at(-1)!.p_known, { "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001": "" });
  for (let i = 0; i < 100; i++) {
    watcher.look();
    await clock.advance(10);
  }
  assert.ok(calls.length <= 17, `${calls.length}`);
  answers.takesMs = 2000;
  await clock.advance(5000);
  const before = calls.length;
  await clock.advance(100_000);
  assert.ok(calls.length - before <= 5, `${calls.length - before}`);
});

Deno.test("an approval is told when it is asked for and when it is decided, and then no more", async () => {
  await using bench = setUp();
  const { answers, clock, told, calls } = bench;
  await clock.advance(0);
  answers.now = { acts: [{ id: "a", status: "proposed" }] };
  await clock.advance(1000);
  answers.now = { acts: [{ id: "a", status: "approved" }] };
  await clock.advance(1000);
  assert.deepEqual(calls.at(-1)!.p_acts, ["a"]);
  answers.now = NOTHING;
  await clock.advance(1000);
  assert.deepEqual(told(), [["approval", "proposed"], ["approval", "approved"]]);
  assert.deepEqual(calls.at(-1)!.p_acts, []);
});

Deno.test("a limit is told when it changes and when it is lifted, not when more of it runs", async () => {
  await using bench = setUp();
  const { answers, clock, watcher } = bench;
  const events: unknown[] = [];
  await clock.advance(0);
  const limit = { pattern: "a*", max_running: 2, running: 0, paused: false };
  answers.now = { limits: [limit] };
  await clock.advance(1000);
  answers.now = { limits: [{ ...limit, running: 1 }] };
  await clock.advance(1000);
  assert.deepEqual((await watcher.state(0))?.limits, [{ ...limit, running: 1 }]);
  answers.now = NOTHING;
  await clock.advance(1000);
  events.push(...bench.told());
  assert.equal(events.length, 2);
});

Deno.test("this worker's progress is told at once, twice a second at the most, without asking the database", async () => {
  await using bench = setUp();
  const { answers, clock, told, watcher, calls } = bench;
  answers.now = { tasks: [row("a", "claimed", "1")] };
  await clock.advance(0);
  const before = calls.length;
  for (let percent = 0; percent < 9; percent++) {
    watcher.progressed("a", { percent });
    watcher.progressed("unknown", { percent });
    await clock.advance(100);
  }
  assert.deepEqual(told(), [["task", "running"], ["task", "running"]]);
  assert.equal(calls.length, before);
});

Deno.test("while the database is away nothing is known, and afterwards it goes on", async () => {
  await using bench = setUp();
  const { answers, clock, watcher } = bench;
  answers.fails = true;
  const state = watcher.state(5000);
  await clock.advance(5000);
  assert.equal(await state, undefined);
  answers.fails = false;
  await clock.advance(1000);
  assert.deepEqual((await watcher.state(0))?.tasks, []);
});
