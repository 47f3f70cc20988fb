import assert from "node:assert/strict";
import { until } from "../testing/until.ts";
import { fault, untilTask, workerTest } from "../testing/queue_worker.ts";

workerTest("an idle worker stops at once", async ({ clock, worker }) => {
  await clock.advance(5000);
  worker.stop();
  await clock.advance(0);
  await until("the end", worker.ended);
  assert.equal(clock.monotonic(), 5000);
});

workerTest("a worker whose queue is dead silent stops within 5 s", async ({ clock, source, worker }) => {
  fault(source, "deaf");
  await clock.advance(5000);
  worker.stop();
  await clock.advance(5000);
  await until("the end", worker.ended);
});

workerTest(
  "a drain lets running tasks finish, claims nothing more, and ends with the last",
  async ({ clock, queue, worker, source }) => {
    const [first, second] = [queue.enqueue(), queue.enqueue()];
    const work = [await worker.working(first), await worker.working(second)];
    worker.stop();
    await clock.advance(10_000);
    assert.deepEqual([worker.queue.draining, worker.queue.ready], [true, false]);
    const claims = source.calls.filter(({ call }) => call === "claim").length;
    const later = queue.enqueue();
    work[0].finish();
    await untilTask(queue, first, "done");
    await clock.advance(10_000);
    assert.equal(worker.ended(), false);
    work[1].finish();
    await until("the end", worker.ended);
    assert.deepEqual([queue.task(second).status, queue.task(later).status], ["done", "pending"]);
    assert.equal(source.calls.filter(({ call }) => call === "claim").length, claims);
    assert.equal(clock.monotonic(), 20_000);
  },
);

workerTest(
  "what has not finished when the drain is over is given back without costing an attempt",
  async ({ clock, queue, worker }) => {
    const id = queue.enqueue();
    const { context } = await worker.working(id);
    worker.stop();
    await clock.advance(29_999);
    assert.equal(context.signal.aborted, false);
    await clock.advance(1);
    await until("the end", worker.ended);
    assert.deepEqual([queue.task(id).status, queue.task(id).attempts], ["pending", 0]);
  },
);

workerTest("a second stop gives tasks back at once", async ({ clock, queue, worker }) => {
  const id = queue.enqueue();
  await worker.working(id);
  worker.stop();
  await clock.advance(1000);
  worker.queue.releaseNow();
  await until("the end", worker.ended);
  assert.deepEqual([queue.task(id).status, clock.monotonic()], ["pending", 1000]);
});

workerTest(
  "an executor that ignores its signal holds up the stop by 20 s at most",
  async ({ clock, queue, worker }) => {
    const id = queue.enqueue();
    await worker.working(id);
    worker.stop();
    worker.queue.releaseNow();
    await clock.advance(20_000);
    await until("the end", worker.ended);
    assert.equal(queue.task(id).status, "pending");
  },
  { manners: "deaf" },
);

workerTest(
  "a task claimed during shutdown is given back without being begun",
  async ({ clock, queue, source, worker }) => {
    source.faults.claim = { lateMs: 1000 };
    const id = queue.enqueue();
    await clock.advance(500);
    assert.equal(queue.task(id).status, "held");
    worker.stop();
    await clock.advance(500);
    await until("the end", worker.ended);
    assert.deepEqual([queue.task(id).status, queue.task(id).attempts, worker.work.length], ["pending", 0, 0]);
  },
);

workerTest(
  "a full disk and a dead queue together do not keep a stop from ending",
  async ({ clock, queue, source, worker, log }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    worker.journal.append = () => Promise.reject(new Error("Cannot write the journal: disk full"));
    fault(source, "refuse");
    finish();
    await until("both were tried", () => source.calls.some(({ call }) => call === "settle"));
    await clock.advance(5000);
    worker.stop();
    worker.queue.releaseNow();
    await clock.advance(3000);
    await until("the end", worker.ended);
    assert.ok(
      log.messages("task").some((message) => message.startsWith("neither the journal nor the queue")),
    );
  },
);

workerTest(
  "outcomes that cannot be reported in 3 s wait in the journal for the next start",
  async ({ clock, queue, source, worker, log }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    fault(source, "refuse");
    finish();
    await until("the outcome is on disk", () => worker.journal.size() === 1);
    worker.stop();
    await clock.advance(2999);
    assert.equal(worker.ended(), false);
    await clock.advance(1);
    await until("the end", worker.ended);
    assert.equal(worker.journal.size(), 1);
    assert.ok(log.messages("queue").at(-1)?.startsWith("1 outcomes wait in the journal"));
  },
);
