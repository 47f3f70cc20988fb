import assert from "node:assert/strict";
import { join } from "node:path";
import { Journal } from "./journal.ts";
import { Slots } from "./slots.ts";
import { until } from "../testing/until.ts";
import { fault, untilTask, workerTest } from "../testing/queue_worker.ts";
import type { TaskNews } from "./task_news.ts";

/** Two places, one of which another queue has. */
function takenSlots(): Slots {
  const slots = new Slots(2);
  slots.reserve(1);
  return slots;
}

workerTest(
  "tasks go through: claimed on a hint, run, settled, and a freed place filled",
  async ({ queue, worker, source }) => {
    const ids = [queue.enqueue(), queue.enqueue(), queue.enqueue()];
    const first = await worker.working(ids[0]);
    await worker.working(ids[1]);
    assert.equal(worker.queue.running().length, 2);
    assert.equal(worker.queue.ready, true);
    assert.equal(queue.task(ids[2]).status, "pending");
    first.finish();
    (await worker.working(ids[2])).finish();
    (await worker.working(ids[1])).finish();
    for (const id of ids) await untilTask(queue, id, "done");
    assert.ok(source.calls.every(({ call, at }) => call !== "settle" || at === 0), "no time passed");
  },
);

workerTest("a cancel stops the program at once on a hint, and is reported", async ({ queue, worker }) => {
  const id = queue.enqueue();
  await worker.working(id);
  queue.cancel(id);
  await untilTask(queue, id, "cancelled");
});

workerTest("a cancel without a hint stops it within one heartbeat", async ({ clock, queue, worker }) => {
  const id = queue.enqueue();
  await worker.working(id);
  await clock.advance(1000);
  queue.cancel(id, { hint: false });
  await clock.advance(14_199);
  assert.equal(queue.task(id).status, "held");
  await clock.advance(1);
  await untilTask(queue, id, "cancelled");
});

workerTest("a long task keeps its lease and its progress is seen", async ({ clock, queue, worker }) => {
  const id = queue.enqueue();
  const { context, finish } = await worker.working(id);
  await clock.advance(300_000);
  context.progress({ percent: 40 });
  await clock.advance(1000);
  assert.deepEqual([queue.task(id).status, queue.task(id).attempts, queue.task(id).progress], [
    "held",
    1,
    { percent: 40 },
  ]);
  finish();
  await untilTask(queue, id, "done");
});

workerTest(
  "work finished in an outage is on disk, and reported once when the outage is over",
  async ({ clock, queue, source, worker, log }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    fault(source, "refuse");
    await clock.advance(10_000);
    finish();
    await until("the outcome is on disk", () => worker.journal.size() === 1);
    await clock.advance(30_000);
    assert.deepEqual([worker.queue.ready, queue.task(id).status], [false, "held"]);
    fault(source, undefined);
    await clock.advance(30_000);
    await untilTask(queue, id, "done");
    assert.deepEqual([queue.task(id).taken.length, worker.journal.size(), worker.queue.ready], [1, 0, true]);
    assert.equal(log.messages("outage").length, 2);
  },
);

workerTest(
  "when anybody reaches the queue again, claiming goes on at once",
  async ({ clock, queue, source, worker }) => {
    fault(source, "refuse");
    await clock.advance(400_000);
    const id = queue.enqueue();
    fault(source, undefined);
    await clock.advance(1000);
    assert.equal(queue.task(id).status, "pending");
    worker.outage.succeeded();
    (await worker.working(id)).finish();
    await untilTask(queue, id, "done");
  },
  { before: (_, source) => void (source.faults.listen = "refuse") },
);

workerTest(
  "a lease that runs out in an outage stops the program at its end, and nothing is reported",
  async ({ clock, queue, source, worker }) => {
    const id = queue.enqueue();
    const { context } = await worker.working(id);
    fault(source, "refuse");
    await clock.advance(59_999);
    assert.equal(context.signal.aborted, false);
    await clock.advance(1);
    assert.equal(context.signal.aborted, true);
    await until("the attempt is over", () => worker.queue.running().length === 0);
    assert.equal(worker.journal.size(), 0);
    fault(source, undefined);
    await clock.advance(300_000);
    const again = await until("the task is begun again", () => worker.work.length === 2).then(() =>
      worker.work[1]
    );
    again.finish();
    await untilTask(queue, id, "done");
    assert.deepEqual([queue.task(id).taken.length, queue.task(id).refused.length], [1, 0]);
  },
);

workerTest(
  "a result that comes after another worker has got the task is refused",
  async ({ clock, queue, worker, log }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    await clock.advance(1000);
    queue.task(id).leaseEndsAt = 0;
    const [theirs] = await queue.source("worker-2").claim(["echo"], 1, new AbortController().signal);
    assert.equal(theirs.id, id);
    finish();
    await until("the refusal", () => queue.task(id).refused.length === 1);
    assert.deepEqual([queue.task(id).taken.length, queue.task(id).holder], [0, "worker-2"]);
    await until("it is forgotten", () => worker.journal.size() === 0);
    assert.ok(log.messages("settle").some((message) => message.includes("refused a late outcome")));
  },
);

workerTest(
  "a lost attempt that is still stopping and the next attempt at its task do not get mixed up",
  async ({ clock, queue, worker }) => {
    const id = queue.enqueue();
    await worker.working(id);
    await clock.advance(1000);
    queue.task(id).leaseEndsAt = 0;
    await clock.advance(2000); // its next claim gets the same task
    await until("a second attempt", () => worker.work.length === 2);
    await clock.advance(13_000); // its heartbeat is answered "lost"
    assert.deepEqual(worker.queue.running().map((running) => running.stopReason), ["lost", undefined]);
    await clock.advance(20_000);
    await until("the first is left behind", () => worker.queue.running().length === 1);
    assert.equal(worker.queue.running()[0].task.attempt, 2);
    worker.stop();
    await clock.advance(30_000);
    assert.equal(worker.work[1].context.signal.aborted, true);
  },
  { manners: "deaf" },
);

workerTest(
  "a restarted worker reports what its journal knows and gives back the rest, before it claims",
  async ({ clock, queue, source, worker }) => {
    await until("the other task is begun again", () => worker.work.length === 1);
    assert.deepEqual([queue.task("known").status, queue.task("known").taken.length], ["done", 1]);
    assert.deepEqual([worker.work[0].id, worker.work[0].context.task.attempt], ["unknown", 2]);
    const order = source.calls.map(({ call }) => call).filter((call) => call !== "listen");
    assert.deepEqual(order.slice(0, 4), ["claim", "settle", "abandonHeld", "claim"]);
    worker.work[0].finish();
    await untilTask(queue, "unknown", "done");
    await clock.advance(100_000);
    assert.equal(worker.work.length, 1);
  },
  {
    before: async (queue, source, path) => {
      queue.enqueue({ id: "known" });
      queue.enqueue({ id: "unknown" });
      const [task] = await source.claim(["echo"], 2, new AbortController().signal);
      const journal = new Journal(join(path, "j"));
      await journal.append(source.name, { task, outcome: { kind: "done", output: 1 }, durationMs: 1 });
      journal.close();
    },
  },
);

workerTest(
  "a worker that starts in an outage claims nothing until it has made up with the queue",
  async ({ clock, queue, source, worker }) => {
    const id = queue.enqueue();
    await clock.advance(60_000);
    assert.ok(source.calls.every(({ call }) => call === "abandonHeld" || call === "listen"));
    assert.equal(worker.queue.ready, false);
    source.faults.abandonHeld = undefined;
    worker.outage.succeeded();
    (await worker.working(id)).finish();
    await untilTask(queue, id, "done");
  },
  { before: (_, source) => void (source.faults.abandonHeld = "refuse") },
);

workerTest("a worker that starts in an outage can be stopped", async ({ clock, worker }) => {
  await clock.advance(60_000);
  worker.stop();
  await clock.advance(3000);
  await until("the end", worker.ended);
}, { before: (_, source) => fault(source, "deaf") });

workerTest(
  "a journal that cannot be read ends the worker with the reason, and running tasks are not dropped",
  async ({ clock, queue, worker }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    worker.journal.unsent = () => {
      throw new Error("disk I/O error");
    };
    const other = queue.enqueue();
    (await worker.working(other)).finish();
    await clock.advance(1000);
    assert.equal(worker.ended(), false);
    finish();
    await worker.untilEnded();
    assert.equal(worker.failure()?.message, "settler of test failed: disk I/O error");
    assert.equal(worker.journal.size(), 2);
  },
);

workerTest(
  "places are shared with other queues: nothing is claimed while they have them all",
  async ({ clock, queue, source, worker }) => {
    for (let n = 0; n < 3; n++) queue.enqueue();
    await clock.advance(5000);
    assert.equal(worker.queue.running().length, 1);
    const rooms = source.calls.filter(({ call }) => call === "claim").map(({ room }) => room);
    assert.deepEqual([...new Set(rooms)], [1]);
  },
  { options: { slots: takenSlots() } },
);

workerTest(
  "a queue with places of its own takes no more than those",
  async ({ clock, queue, worker }) => {
    for (let n = 0; n < 5; n++) queue.enqueue();
    await clock.advance(5000);
    assert.equal(worker.queue.running().length, 2);
  },
  { options: { slots: new Slots(4), maxOwn: 2 } },
);

workerTest(
  "where claims work and reports do not, both keep to their own pace",
  async ({ clock, queue, source, worker }) => {
    const id = queue.enqueue();
    const { finish } = await worker.working(id);
    source.faults.settle = "refuse";
    finish();
    await until("the outcome is on disk", () => worker.journal.size() === 1);
    await clock.advance(20_000);
    const count = (wanted: string) => source.calls.filter(({ call }) => call === wanted).length;
    assert.ok(count("claim") <= 14, `${count("claim")} claims in 20 s`);
    assert.ok(count("settle") <= 8, `${count("settle")} reports in 20 s`);
    source.faults.settle = undefined;
    await clock.advance(20_000);
    await untilTask(queue, id, "done");
  },
);

workerTest(
  "no two attempts at one task ever run side by side, however the network behaves",
  async ({ clock, queue, source, worker }) => {
    const kinds = [undefined, "refuse", "lose answer", { lateMs: 700 }, "hang"] as const;
    const ids = Array.from({ length: 12 }, () => queue.enqueue({ maxAttempts: 100 }));
    /** Files take real time: lets every attempt reach its executor, and every finished one the journal. */
    const finishAll = async () => {
      const attempts = worker.queue.running();
      await until(
        "attempts begin",
        () =>
          attempts.every((running) =>
            running.stopReason || worker.work.some(({ context }) => context.task === running.task)
          ),
      );
      for (const work of worker.work) work.finish();
      await until(
        "attempts end",
        () => !worker.queue.running().some((running) => attempts.includes(running)),
      );
    };
    for (let round = 0; round < 60; round++) {
      for (const [i, call] of (["claim", "heartbeat", "settle"] as const).entries()) {
        source.faults[call] = kinds[(round * (i + 2) + i) % kinds.length];
      }
      await clock.advance(7000);
      const active = worker.queue.running().filter((running) => !running.stopReason).map(({ task }) =>
        task.id
      );
      assert.equal(new Set(active).size, active.length);
      if (round % 3 === 0) await finishAll();
    }
    fault(source, undefined);
    for (let round = 0; round < 60 && ids.some((id) => queue.task(id).status !== "done"); round++) {
      await clock.advance(10_000);
      await finishAll();
    }
    for (const id of ids) {
      assert.deepEqual([queue.task(id).status, queue.task(id).taken.length], ["done", 1], id);
    }
  },
);

const news: TaskNews[] = [];
workerTest(
  "whoever watches is told when a task begins, how far it is, and that the queue knows its end",
  async ({ queue, worker }) => {
    const id = queue.enqueue();
    const { context, finish } = await worker.working(id);
    context.progress({ percent: 40 });
    finish();
    await untilTask(queue, id, "done");
    await until("its end is told", () => news.length === 3);
    assert.deepEqual(news.map(({ kind, task, progress }) => [kind, task.id, progress]), [
      ["claimed", id, undefined],
      ["progress", id, { percent: 40 }],
      ["settled", id, undefined],
    ]);
  },
  { options: { onTask: (one) => void news.push(one) } },
);
