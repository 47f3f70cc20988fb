import assert from "node:assert/strict";
import { join } from "node:path";
import type { Outcome, SettleAnswer } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { type FakeClock, fakeClock } from "../testing/fake_clock.ts";
import { type TestQueue, testQueue, type TestSource } from "../testing/task_source.ts";
import { tempDir } from "../testing/temp.ts";
import { until } from "../testing/until.ts";
import { Journal } from "./journal.ts";
import { Outage } from "./outage.ts";
import { Settler } from "./settler.ts";

const done: Outcome = { kind: "done", output: 1 };

/** A settler at work on a journal file, and a way to finish claimed tasks. */
function settling(clock: FakeClock, queue: TestQueue, source: TestSource, path: string) {
  const journal = new Journal(path);
  const outage = new Outage("the queue", clock);
  const settler = new Settler({ source, journal, clock, outage });
  const stop = new AbortController();
  const run = settler.run(stop.signal);
  return {
    settler,
    journal,
    outage,
    /** Claims a new task and journals its outcome. */
    async finish(outcome: Outcome = done): Promise<string> {
      const id = queue.enqueue();
      const [task] = await source.claim(["echo"], 1, new AbortController().signal);
      await journal.append(source.name, { task, outcome, durationMs: 1 });
      return id;
    },
    calls: () => source.calls.filter(({ call }) => call === "settle"),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
      await clock.advance(0);
      assert.equal(clock.pending(), 0, "timers are left");
      journal.close();
    },
  };
}

async function setUp(clock = fakeClock()) {
  const dir = await tempDir();
  const queue = testQueue(clock);
  const source = queue.source();
  const path = join(dir.path, "j");
  const parts = settling(clock, queue, source, path);
  return {
    ...parts,
    clock,
    queue,
    source,
    path,
    async [Symbol.asyncDispose]() {
      await parts[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an outcome is on disk before it is sent, and forgotten when it has been taken", async () => {
  await using all = await setUp();
  const { source } = all;
  const settle = source.settle;
  let onDisk = -1;
  source.settle = (settlements, signal) => {
    const reader = new Journal(all.path);
    onDisk = reader.unsent("test", 10).length;
    reader.close();
    return settle(settlements, signal);
  };
  const id = await all.finish();
  await all.settler.drained();
  assert.deepEqual([onDisk, all.journal.size(), all.queue.task(id).status], [1, 0, "done"]);
});

Deno.test("outcomes are sent again with back-off until they are taken", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  all.source.faults.settle = "refuse";
  const id = await all.finish();
  await all.clock.advance(120_000);
  const gaps = all.calls().slice(1).map(({ at }, i) => at - all.calls()[i].at);
  assert.ok(gaps.length >= 7 && gaps.length <= 12, `${gaps}`);
  gaps.forEach((gap, i) => {
    const full = Math.min(30_000, 500 * 2 ** i);
    assert.ok(gap <= full && gap >= full * 0.8, `${gaps}`);
  });
  all.source.faults.settle = undefined;
  await all.clock.advance(30_000);
  assert.deepEqual([all.queue.task(id).status, all.journal.size()], ["done", 0]);
  assert.equal(log.messages("outage").length, 2);
});

Deno.test("a hurry cuts the back-off short, and leaves no trace when there is none", async () => {
  await using _ = capturedLog();
  await using all = await setUp();
  all.settler.hurry();
  all.source.faults.settle = "refuse";
  await all.finish();
  await all.clock.advance(60_000);
  const before = all.calls().length;
  all.source.faults.settle = undefined;
  all.settler.hurry();
  await all.settler.drained();
  assert.equal(all.calls().length, before + 1);
});

Deno.test("what one settler could not report is reported by the next on the same file", async () => {
  await using _ = capturedLog();
  await using dir = await tempDir();
  const clock = fakeClock();
  const queue = testQueue(clock);
  const path = join(dir.path, "j");
  const source = queue.source();
  let id: string;
  {
    await using first = settling(clock, queue, source, path);
    source.faults.settle = "refuse";
    id = await first.finish();
    await clock.advance(1000);
  }
  assert.equal(queue.task(id).status, "held");
  const again = queue.source();
  await using second = settling(clock, queue, again, path);
  await second.settler.drained();
  assert.deepEqual([queue.task(id).status, queue.task(id).taken.length], ["done", 1]);
});

Deno.test("a report whose answer was lost is repeated and settles once", async () => {
  await using _ = capturedLog();
  await using all = await setUp();
  all.source.faults.settle = "lose answer";
  const id = await all.finish();
  await all.clock.advance(0);
  await until("a first report", () => all.calls().length === 1);
  assert.deepEqual([all.queue.task(id).status, all.journal.size()], ["done", 1]);
  all.source.faults.settle = undefined;
  await all.clock.advance(500);
  assert.equal(all.calls().length, 2);
  assert.deepEqual([all.queue.task(id).taken.length, all.journal.size()], [1, 0]);
});

Deno.test("a report that hangs is given up after 15 s and repeated", async () => {
  for (const fault of ["hang", "deaf"] as const) {
    await using _ = capturedLog();
    await using all = await setUp();
    all.source.faults.settle = fault;
    const id = await all.finish();
    await all.clock.advance(14_999);
    all.source.faults.settle = undefined;
    assert.equal(all.calls().length, 1);
    await all.clock.advance(501);
    assert.equal(all.queue.task(id).status, "done");
  }
});

Deno.test("an outcome of a claim that has passed on is refused, logged and forgotten", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  all.source.faults.settle = "refuse";
  const id = await all.finish();
  await all.clock.advance(60_000);
  const other = all.queue.source("worker-2");
  const [reclaimed] = await other.claim(["echo"], 1, new AbortController().signal);
  assert.equal(reclaimed.id, id);
  all.source.faults.settle = undefined;
  await all.settler.drained();
  const task = all.queue.task(id);
  assert.deepEqual([task.status, task.holder, task.refused.length, all.journal.size()], [
    "held",
    "worker-2",
    1,
    0,
  ]);
  assert.equal(log.messages("settle").length, 1);
});

Deno.test("a result that the queue cannot take becomes a failure, and the others are not held up", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  all.source.faults.settle = "refuse";
  const ids = [await all.finish(), await all.finish(), await all.finish()];
  all.source.poison = ({ task, outcome }) => task.id === ids[1] && outcome.kind === "done";
  all.source.faults.settle = undefined;
  await all.settler.drained();
  assert.deepEqual(ids.map((id) => all.queue.task(id).status), ["done", "failed", "done"]);
  const [{ outcome }] = all.queue.task(ids[1]).taken;
  assert.ok(
    outcome.kind === "failed" && !outcome.retry && /could not be stored: .*poison/.test(outcome.error),
  );
  assert.equal(log.messages("settle").length, 1);
  assert.equal(all.journal.size(), 0);
});

Deno.test("an outcome that cannot even be told as a failure is kept and left alone; later ones go through at once", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  all.source.poison = ({ task }) => task.id === "task-1";
  await all.finish();
  await all.settler.drained();
  assert.equal(all.journal.size(), 1);
  const id = await all.finish();
  await all.settler.drained();
  assert.deepEqual([all.queue.task(id).status, all.clock.monotonic()], ["done", 0]);
  const calls = all.calls().length;
  await all.clock.advance(3_600_000);
  assert.equal(all.calls().length, calls);
  assert.equal(log.messages("settle").length, 2);
});

Deno.test("a queue that refuses everything is an outage: no result is given up for it", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  all.source.faults.settle = "forbid";
  const ids = [await all.finish(), await all.finish()];
  await all.clock.advance(120_000);
  assert.deepEqual(log.messages("outage"), ["Cannot settle: permission denied"]);
  all.source.faults.settle = undefined;
  await all.clock.advance(30_000);
  assert.deepEqual(ids.map((id) => all.queue.task(id).status), ["done", "done"]);
});

Deno.test("too few answers are a failure: nothing is forgotten", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  const settle = all.source.settle;
  all.source.settle = () => Promise.resolve<SettleAnswer[]>([]);
  const id = await all.finish();
  await all.clock.advance(0);
  await until("a refused report", () => log.messages("outage").length === 1);
  assert.equal(all.journal.size(), 1);
  all.source.settle = settle;
  await all.settler.drained();
  assert.equal(all.queue.task(id).status, "done");
});

Deno.test("a journal that cannot forget is told, and the report repeated without harm", async () => {
  await using log = capturedLog();
  await using all = await setUp();
  const forget = all.journal.forget;
  all.journal.forget = () => {
    throw new Error("database or disk is full");
  };
  const id = await all.finish();
  await all.clock.advance(2000);
  assert.ok(all.calls().length > 1);
  all.journal.forget = forget;
  await all.settler.drained();
  assert.deepEqual([all.queue.task(id).taken.length, all.journal.size()], [1, 0]);
  assert.equal(log.messages("settle")[0], "Cannot write the journal: database or disk is full");
});
