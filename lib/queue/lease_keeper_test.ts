import assert from "node:assert/strict";
import { type Clock, type Moment, moment } from "../clock.ts";
import type { HeartbeatAnswer } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { type FakeClock, fakeClock } from "../testing/fake_clock.ts";
import { testQueue, type TestSource } from "../testing/task_source.ts";
import { DEFAULT_LEASE_TIMING, LeaseKeeper } from "./lease_keeper.ts";
import { Outage } from "./outage.ts";
import { RunningTask } from "./running.ts";

interface SetUpOptions {
  readonly leaseMs?: number;
  readonly tasks?: number;
  /** What the keeper sees instead of the test's clock. */
  readonly clock?: Clock;
  readonly claimSent?: Moment;
}

/** A keeper at work, with one claimed task (or more) in progress. */
async function setUp(clock: FakeClock, options: SetUpOptions = {}) {
  const queue = testQueue(clock, options);
  const source = queue.source();
  const seen = options.clock ?? clock;
  const count = options.tasks ?? 1;
  for (let i = 0; i < count; i++) queue.enqueue();
  const keeper = new LeaseKeeper({
    timing: DEFAULT_LEASE_TIMING,
    clock: seen,
    outage: () => outage,
  });
  const outage = new Outage("the queue", seen);
  const claimed = await source.claim(["echo"], count, new AbortController().signal);
  const all = claimed.map((task) => new RunningTask(task, source, seen));
  const stopKeeping = all.map((running) => keeper.keep(running, options.claimSent ?? moment(seen)));
  const stop = new AbortController();
  const run = keeper.run(stop.signal);
  return {
    queue,
    source,
    keeper,
    all,
    running: all[0],
    stopKeeping: () => stopKeeping.forEach((end) => end()),
    task: () => queue.task(all[0].task.id),
    beats: () => beatsOf(source),
    report(percent: number) {
      all[0].progress = { percent };
      all[0].progressTold = false;
      keeper.progressed(all[0]);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
      await clock.advance(0);
      assert.equal(clock.pending(), 0, "timers are left");
    },
  };
}

const beatsOf = (source: TestSource) =>
  source.calls.filter(({ call }) => call === "heartbeat").map(({ at }) => at);

Deno.test("a lease is renewed soon after the start and then at every interval, for all tasks in one call", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock, { tasks: 3 });
  await clock.advance(50_000);
  assert.deepEqual(keeping.beats(), [200, 15_200, 30_200, 45_200]);
  assert.ok(
    keeping.source.calls.filter(({ call }) => call === "heartbeat").every((call) =>
      call.progress?.length === 3
    ),
  );
  assert.equal(keeping.task().leaseEndsAt, 45_200 + 60_000);
});

Deno.test("a task that is over before its first heartbeat needs none", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(100);
  keeping.stopKeeping();
  await clock.advance(100_000);
  assert.deepEqual(keeping.beats(), []);
});

Deno.test("a short lease is renewed twice as often as it could end", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock, { leaseMs: 10_000 });
  await clock.advance(30_000);
  assert.equal(keeping.running.stopReason, undefined);
  assert.equal(keeping.task().status, "held");
  assert.equal(keeping.beats().length, 6);
});

Deno.test("a cancel reaches the task with the next heartbeat, or at once on a hint", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock, { tasks: 2 });
  await clock.advance(1000);
  for (const { task } of keeping.all) keeping.queue.cancel(task.id);
  keeping.keeper.ask("task-2");
  keeping.keeper.ask("no such task");
  await clock.advance(0);
  assert.deepEqual(keeping.all.map((running) => running.stopReason), [undefined, "cancel"]);
  assert.equal(keeping.all[1].signal.aborted, true);
  await clock.advance(14_200);
  assert.deepEqual(keeping.all.map((running) => running.stopReason), ["cancel", "cancel"]);
});

Deno.test("a cancel whose hint comes during a heartbeat is asked for again right after it", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  keeping.source.faults.heartbeat = { lateMs: 5000 };
  await clock.advance(1000);
  keeping.queue.cancel("task-1");
  keeping.keeper.ask("task-1");
  await clock.advance(4199);
  assert.deepEqual(keeping.beats(), [200]);
  keeping.source.faults.heartbeat = undefined;
  await clock.advance(1);
  assert.deepEqual(keeping.beats(), [200, 5200]);
  assert.equal(keeping.running.stopReason, "cancel");
});

Deno.test("a task that is being stopped keeps its lease until it has ended", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  keeping.running.stop("timeout");
  await clock.advance(100_000);
  assert.equal(keeping.task().status, "held");
  assert.ok(keeping.task().leaseEndsAt > clock.monotonic());
  keeping.stopKeeping();
  const beats = keeping.beats().length;
  await clock.advance(100_000);
  assert.equal(keeping.beats().length, beats);
});

Deno.test("a lease that another worker has got stops the task, once, and is not asked about again", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(1000);
  keeping.task().fence++;
  await clock.advance(100_000);
  assert.equal(keeping.running.stopReason, "lost");
  assert.equal(keeping.beats().length, 2);
  assert.deepEqual(log.messages("lease"), ["the lease was lost: stopping the task"]);
});

for (const fault of ["refuse", "forbid", "hang", "deaf"] as const) {
  Deno.test(`in an outage (${fault}) the lease runs out exactly at its end, and not before`, async () => {
    await using log = capturedLog();
    const clock = fakeClock();
    await using keeping = await setUp(clock);
    await clock.advance(20_000);
    keeping.source.faults.heartbeat = fault;
    const end = keeping.task().leaseEndsAt;
    assert.equal(end, 75_200);
    await clock.advance(end - 1 - clock.monotonic());
    assert.equal(keeping.running.stopReason, undefined);
    await clock.advance(1);
    assert.equal(keeping.running.stopReason, "lost");
    assert.deepEqual(log.messages("lease"), ["the lease ran out without an answer: stopping the task"]);
    assert.equal(log.messages("outage").length, 1);
  });
}

Deno.test("a lease shorter than a hanging call still ends at its end", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock, { leaseMs: 6000 });
  keeping.source.faults.heartbeat = "deaf";
  await clock.advance(5999);
  assert.equal(keeping.running.stopReason, undefined);
  await clock.advance(1);
  assert.equal(keeping.running.stopReason, "lost");
});

Deno.test("an outage shorter than the lease goes by unnoticed by the task", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(10_000);
  keeping.source.faults.heartbeat = "refuse";
  await clock.advance(45_000);
  keeping.source.faults.heartbeat = undefined;
  await clock.advance(100_000);
  assert.equal(keeping.running.stopReason, undefined);
  assert.equal(keeping.task().status, "held");
});

Deno.test("the lease counts from when the claim was sent, and from when a heartbeat was sent", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  const claimSent = moment(clock);
  await clock.advance(14_000);
  const late = await setUp(clock, { claimSent });
  late.source.faults.heartbeat = "refuse";
  await clock.advance(60_000 - 14_000 - 1);
  assert.equal(late.running.stopReason, undefined);
  await clock.advance(1);
  assert.equal(late.running.stopReason, "lost");
  await late[Symbol.asyncDispose]();

  const slow = fakeClock();
  await using keeping = await setUp(slow);
  keeping.source.faults.heartbeat = { lateMs: 9000 };
  await slow.advance(9200);
  keeping.source.faults.heartbeat = "refuse";
  await slow.advance(60_200 - 9200 - 1);
  assert.equal(keeping.running.stopReason, undefined);
  await slow.advance(1);
  assert.equal(keeping.running.stopReason, "lost");
});

Deno.test("after the machine has slept for 10 min the queue is asked before the task is stopped", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(20_000);
  clock.jump(600_000);
  await clock.advance(15_000);
  assert.equal(keeping.running.stopReason, undefined);
  assert.equal(keeping.beats().at(-1), 30_200);

  await using log = capturedLog();
  clock.jump(600_000);
  keeping.task().fence++; // this time somebody else has got it meanwhile
  await clock.advance(15_000);
  assert.equal(keeping.running.stopReason, "lost");
  assert.deepEqual(log.messages("lease"), ["the lease was lost: stopping the task"]);
});

Deno.test("after a suspension in the middle of a heartbeat the queue is asked again first", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  let stalledMs = 0;
  const seen: Clock = {
    sleep: clock.sleep,
    now: () => clock.now() + stalledMs,
    monotonic: () => clock.monotonic() + stalledMs,
  };
  await using keeping = await setUp(clock, { clock: seen });
  await clock.advance(15_000);
  keeping.source.faults.heartbeat = "hang";
  await clock.advance(5000);
  stalledMs = 600_000; // both clocks have gone on while the process stood still: the call's timer fires first
  await clock.advance(5199);
  keeping.source.faults.heartbeat = undefined;
  await clock.advance(3000);
  assert.equal(keeping.running.stopReason, undefined);
  assert.equal(keeping.task().status, "held");
});

Deno.test("a wall clock that is set back does not make a lease last longer", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(1000);
  keeping.source.faults.heartbeat = "refuse";
  clock.jump(-3_600_000);
  await clock.advance(59_199);
  assert.equal(keeping.running.stopReason, undefined);
  await clock.advance(1);
  assert.equal(keeping.running.stopReason, "lost");
});

Deno.test("progress is told at most once a second, and the last of it is told", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  await clock.advance(1000);
  for (let percent = 1; percent <= 50; percent++) {
    keeping.report(percent);
    await clock.advance(50);
  }
  await clock.advance(1000);
  assert.deepEqual(keeping.task().progress, { percent: 50 });
  const beats = keeping.beats();
  for (const [i, at] of beats.entries()) assert.ok(i === 0 || at - beats[i - 1] >= 1000, `${beats}`);
  assert.equal(beats.length, 5);
});

Deno.test("progress that comes while a heartbeat hangs is told after it, not beside it", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  keeping.source.faults.heartbeat = "hang";
  keeping.report(1);
  await clock.advance(5000);
  keeping.report(2);
  await clock.advance(5199);
  assert.deepEqual(keeping.beats(), [200]);
  keeping.source.faults.heartbeat = undefined;
  await clock.advance(2001);
  assert.deepEqual(keeping.beats(), [200, 12_200]);
  assert.deepEqual(keeping.task().progress, { percent: 2 });
});

Deno.test("progress of a heartbeat that failed is told by the next", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  keeping.report(7);
  keeping.source.faults.heartbeat = "refuse";
  await clock.advance(200);
  keeping.source.faults.heartbeat = undefined;
  assert.equal(keeping.task().progress, undefined);
  await clock.advance(2000);
  assert.deepEqual(keeping.task().progress, { percent: 7 });
  await clock.advance(15_000);
  assert.equal(keeping.source.calls.at(-1)?.progress?.[0], undefined, "told once");
});

Deno.test("too few answers are a failure of the call, not a reason to stop anything", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock, { tasks: 2 });
  keeping.source.heartbeat = () => Promise.resolve<HeartbeatAnswer[]>(["ok"]);
  await clock.advance(1000);
  assert.deepEqual(keeping.all.map((running) => running.stopReason), [undefined, undefined]);
  assert.deepEqual(log.messages("outage"), ["Cannot renew leases: 1 answers for 2 tasks"]);
});

Deno.test("two attempts at one task are kept apart, and a hint reaches both", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  const older = new RunningTask({ ...keeping.running.task, token: "0" }, keeping.source, clock);
  const end = keeping.keeper.keep(older, moment(clock));
  await clock.advance(200);
  assert.deepEqual([older.stopReason, keeping.running.stopReason], ["lost", undefined]);
  end();
  keeping.queue.cancel("task-1");
  keeping.keeper.ask("task-1");
  await clock.advance(0);
  assert.equal(keeping.running.stopReason, "cancel");
});

Deno.test("a queue that knows no lease is asked all the same, and never runs out", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  keeping.stopKeeping();
  const { leaseMs: __, ...task } = keeping.running.task;
  const unleased = new RunningTask({ ...task, timeoutMs: Infinity }, keeping.source, clock);
  const end = keeping.keeper.keep(unleased, moment(clock));
  keeping.source.faults.heartbeat = "refuse";
  await clock.advance(3_600_000);
  assert.equal(unleased.stopReason, undefined);
  end();
});

Deno.test("a task that has used up its time is stopped then, not before, also when it was kept last", async () => {
  const clock = fakeClock();
  await using keeping = await setUp(clock);
  const hurried = new RunningTask({ ...keeping.running.task, timeoutMs: 90_000 }, keeping.source, clock);
  await clock.advance(1000);
  const end = keeping.keeper.keep(hurried, moment(clock));
  await clock.advance(89_999);
  assert.equal(hurried.stopReason, undefined);
  await clock.advance(1);
  assert.equal(hurried.stopReason, "timeout");
  assert.equal(keeping.running.stopReason, undefined);
  end();
});
