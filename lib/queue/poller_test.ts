import assert from "node:assert/strict";
import type { Moment } from "../clock.ts";
import type { Task } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { type FakeClock, fakeClock } from "../testing/fake_clock.ts";
import { testQueue } from "../testing/task_source.ts";
import { Outage } from "./outage.ts";
import { Poller, type PollerOptions } from "./poller.ts";

/** A poller for two tasks at a time that polls every 2 s without jitter; started tasks last until `finish`. */
function setUp(clock: FakeClock, options: Partial<PollerOptions> = {}) {
  const queue = testQueue(clock);
  const source = queue.source();
  const started: { task: Task; claimSent: Moment }[] = [];
  let running = 0;
  const stop = new AbortController();
  const poller = new Poller({
    source,
    clock,
    outage: new Outage("the queue", clock),
    pollMs: 2000,
    offer: () => ({ types: ["echo"] }),
    room: () => 2 - running,
    start: (task, claimSent) => {
      running++;
      started.push({ task, claimSent });
    },
    random: () => 0,
    ...options,
  });
  const run = poller.run(stop.signal);
  return {
    queue,
    source,
    poller,
    started,
    ids: () => started.map(({ task }) => task.id),
    claims: () => source.calls.filter(({ call }) => call === "claim").map(({ at }) => at),
    finish() {
      running--;
      poller.wake();
    },
    stop: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
      await clock.advance(0);
      assert.equal(clock.pending(), 0, "timers are left");
    },
  };
}

Deno.test("only what fits is claimed, and a freed place is filled at once", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  for (let i = 0; i < 4; i++) polling.queue.enqueue();
  await clock.advance(0);
  polling.poller.wake();
  await clock.advance(1000);
  assert.deepEqual(polling.ids(), ["task-1", "task-2"]);
  polling.finish();
  await clock.advance(0);
  assert.deepEqual(polling.ids(), ["task-1", "task-2", "task-3"]);
  assert.deepEqual(polling.source.calls.map((call) => call.room), [2, 1]);
});

Deno.test("a full batch is followed by another claim at once, a smaller one by a wait", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock, { room: () => 2 });
  for (let i = 0; i < 5; i++) polling.queue.enqueue();
  await clock.advance(0);
  assert.equal(polling.ids().length, 5);
  assert.deepEqual(polling.claims(), [0, 0, 0]);
});

Deno.test("a wake during a claim is not lost", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  await clock.advance(0);
  polling.source.faults.claim = { lateMs: 500 };
  polling.poller.wake();
  await clock.advance(100);
  polling.queue.enqueue();
  polling.poller.wake();
  await clock.advance(900);
  assert.deepEqual(polling.claims(), [0, 0, 500]);
  assert.deepEqual(polling.ids(), ["task-1"]);
});

Deno.test("it polls at its interval, up to a tenth later", async () => {
  const clock = fakeClock();
  const chances = [0, 0.5, 0.999];
  await using polling = setUp(clock, { random: () => chances.shift() ?? 0 });
  await clock.advance(6400);
  assert.deepEqual(polling.claims().map(Math.round), [0, 2000, 4100, 6300]);
});

Deno.test("a queue that tells how often it wants to be asked is asked so often", async () => {
  const clock = fakeClock();
  const source = testQueue(clock).source();
  const telling = { ...source, pollMs: () => source.calls.length < 2 ? undefined : 5000 };
  await using _ = setUp(clock, { source: telling });
  await clock.advance(13_000);
  assert.deepEqual(source.calls.map(({ at }) => at), [0, 2000, 7000, 12_000]);
});

Deno.test("nothing is claimed while there is nothing that can be done", async () => {
  const clock = fakeClock();
  let types: string[] = [];
  await using polling = setUp(clock, { offer: () => ({ types }) });
  polling.queue.enqueue();
  await clock.advance(10_000);
  assert.deepEqual(polling.claims(), []);
  types = ["echo"];
  polling.poller.wake();
  await clock.advance(0);
  assert.deepEqual(polling.ids(), ["task-1"]);
});

Deno.test("it holds back for a reason, says so once, and goes on when the reason is gone", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  let reason: string | undefined = "disk full";
  await using polling = setUp(clock, { holdBack: () => Promise.resolve(reason) });
  polling.queue.enqueue();
  await clock.advance(10_000);
  assert.deepEqual([polling.claims(), polling.poller.heldBack], [[], "disk full"]);
  reason = undefined;
  await clock.advance(2000);
  assert.deepEqual([polling.ids(), polling.poller.heldBack], [["task-1"], undefined]);
  assert.deepEqual(log.messages("poll"), ["not claiming: disk full", "claiming again"]);
});

Deno.test("when it cannot be told whether to hold back, it holds back and lives on", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  let broken = true;
  const holdBack = () => broken ? Promise.reject(new Error("no such folder")) : Promise.resolve(undefined);
  await using polling = setUp(clock, { holdBack });
  polling.queue.enqueue();
  await clock.advance(0);
  assert.deepEqual([polling.claims(), log.messages("poll")], [[], ["not claiming: no such folder"]]);
  broken = false;
  await clock.advance(2000);
  assert.deepEqual(polling.ids(), ["task-1"]);
});

Deno.test("in an outage it backs off from 1 s, doubling to 5 min, and logs one line", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  await using polling = setUp(clock);
  polling.source.faults.claim = "refuse";
  await clock.advance(1_200_000);
  const claims = polling.claims();
  const gaps = claims.slice(1).map((at, i) => (at - claims[i]) / 1000);
  assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  polling.source.faults.claim = undefined;
  polling.queue.enqueue();
  polling.poller.wake();
  await clock.advance(0);
  assert.deepEqual(polling.ids(), ["task-1"]);
  await clock.advance(2000);
  assert.deepEqual(log.messages("outage"), [
    "Cannot claim: connection refused",
    "the queue answers again after 1200 s",
  ]);
  polling.source.faults.claim = "refuse";
  const before = polling.claims().length;
  await clock.advance(3000);
  assert.equal(polling.claims().length - before, 2, "the next outage begins at 1 s again");
});

Deno.test("a claim that hangs is given up after 15 s, even if it ignores its signal", async () => {
  for (const fault of ["hang", "deaf"] as const) {
    await using _ = capturedLog();
    const clock = fakeClock();
    await using polling = setUp(clock);
    polling.source.faults.claim = fault;
    polling.queue.enqueue();
    await clock.advance(15_500);
    polling.source.faults.claim = undefined;
    await clock.advance(500);
    assert.deepEqual(polling.claims(), [0, 16_000]);
    assert.deepEqual(polling.ids(), ["task-1"]);
  }
});

Deno.test("a claim under way at a stop is waited for, and what it brings is started", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  await clock.advance(0);
  polling.source.faults.claim = { lateMs: 1000 };
  polling.queue.enqueue();
  polling.poller.wake();
  await clock.advance(500);
  polling.stop();
  await clock.advance(500);
  assert.deepEqual(polling.ids(), ["task-1"]);
});

Deno.test("a claim without an answer delays a stop by 2 s and no more", async () => {
  for (const fault of ["hang", "deaf"] as const) {
    const clock = fakeClock();
    const polling = setUp(clock);
    await clock.advance(0);
    polling.source.faults.claim = fault;
    polling.poller.wake();
    await clock.advance(100);
    polling.stop();
    await clock.advance(2000);
    await polling[Symbol.asyncDispose]();
    assert.equal(clock.monotonic(), 2100);
  }
});

Deno.test("no claim is begun after a stop, also when the question whether to hold back was under way", async () => {
  const clock = fakeClock();
  const question = Promise.withResolvers<undefined>();
  await using polling = setUp(clock, { holdBack: () => question.promise });
  await clock.advance(0);
  polling.stop();
  question.resolve(undefined);
  await clock.advance(0);
  assert.deepEqual(polling.claims(), []);
});

Deno.test("a task is started with the moment at which its claim was sent, not answered", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  await clock.advance(0);
  polling.source.faults.claim = { lateMs: 10_000 };
  polling.queue.enqueue();
  polling.poller.wake();
  await clock.advance(10_000);
  assert.deepEqual(polling.started[0].claimSent, { monotonic: 0, wall: clock.now() - 10_000 });
});

Deno.test("large room is filled by two calls side by side, a limited type's room by one", async () => {
  for (const [rooms, expected] of [[undefined, [500, 500]], [{ "ec*": 3 }, [500]]] as const) {
    const clock = fakeClock();
    const asked: number[] = [];
    const source = testQueue(clock).source();
    await using _ = setUp(clock, {
      room: () => 2000,
      offer: () => ({ types: ["echo"], rooms }),
      source: {
        ...source,
        claim(types, room, signal, given) {
          assert.deepEqual(given, rooms);
          asked.push(room);
          return source.claim(types, room, signal);
        },
      },
    });
    await clock.advance(0);
    assert.deepEqual(asked, expected);
  }
});

Deno.test("when one of two calls fails, what the other brought is begun all the same", async () => {
  await using _log = capturedLog();
  const clock = fakeClock();
  const queue = testQueue(clock);
  const source = queue.source();
  queue.enqueue();
  let calls = 0;
  await using polling = setUp(clock, {
    room: () => 2000,
    source: {
      ...source,
      claim: (types, room, signal) =>
        ++calls % 2 === 1 ? source.claim(types, room, signal) : Promise.reject(new Error("cut")),
    },
  });
  await clock.advance(0);
  assert.equal(polling.started.length, 1);
});

Deno.test("whatever else is asked takes the place of a poll, never of two in a row", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  await clock.advance(2500);
  polling.poller.spare();
  polling.poller.spare();
  await clock.advance(9500);
  assert.deepEqual(polling.claims(), [0, 2000, 6000, 10_000, 12_000]);
});

Deno.test("a wake-up is followed at once, also where a poll is left out", async () => {
  const clock = fakeClock();
  await using polling = setUp(clock);
  await clock.advance(500);
  polling.poller.spare();
  await clock.advance(2000);
  polling.poller.wake();
  await clock.advance(0);
  assert.deepEqual(polling.claims(), [0, 2500]);
  await clock.advance(2000);
  assert.deepEqual(polling.claims(), [0, 2500, 4500]);
});

Deno.test("no attempt is left out while the queue cannot be reached", async () => {
  await using _log = capturedLog();
  const attempts = async (spared: boolean) => {
    const clock = fakeClock();
    await using polling = setUp(clock);
    polling.source.faults.claim = "refuse";
    await clock.advance(100);
    if (spared) polling.poller.spare();
    await clock.advance(20_000);
    return polling.claims();
  };
  assert.deepEqual(await attempts(true), await attempts(false));
});
