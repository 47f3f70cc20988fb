import assert from "node:assert/strict";
import { fault, untilTask, workerTest } from "../testing/queue_worker.ts";
import { until } from "../testing/until.ts";
import { type QueueObserver, together } from "./observer.ts";

/** Writes down what it is told. */
function listener() {
  const told: string[] = [];
  const has = (line: string) => told.includes(line);
  const observer: QueueObserver = {
    claimed: (source, tasks) =>
      tasks.forEach(({ attempt }) => told.push(`${source} claimed, attempt ${attempt}`)),
    claimFailed: () => void told.push("claim failed"),
    async attempt(_, work) {
      told.push("begins");
      return await work().finally(() => told.push("over"));
    },
    ended: (_, { kind }) => void told.push(`ended ${kind}`),
    settled: (_, settlements, answers) =>
      settlements.forEach(({ outcome }, i) => told.push(`settled ${outcome.kind}: ${answers[i]}`)),
    settleFailed: () => void told.push("settle failed"),
    renewed: (_, answers) => answers.forEach((answer) => told.push(`renewed: ${answer}`)),
    renewalFailed: (_, leases) => void told.push(`${leases} renewals failed`),
    leaseLost: () => void told.push("lease lost"),
  };
  return { told, has, observer };
}

const done = listener();
workerTest("the journey of a task is told in order", async ({ clock, queue, source, worker }) => {
  const id = queue.enqueue();
  const { finish } = await worker.working(id);
  await clock.advance(1000);
  finish();
  await untilTask(queue, id, "done");
  await until("it is told", () => done.has("settled done: settled"));
  assert.deepEqual(done.told, [
    `${source.name} claimed, attempt 1`,
    "begins",
    "renewed: ok",
    "over",
    "ended done",
    "settled done: settled",
  ]);
}, { options: { observer: done.observer } });

const cut = listener();
workerTest(
  "calls without an answer are told, and a lease that ran out",
  async ({ clock, queue, source, worker }) => {
    const id = queue.enqueue();
    await worker.working(id);
    fault(source, "refuse");
    await clock.advance(70_000);
    await until("it is told", () => cut.has("lease lost") && cut.has("ended released"));
    assert.ok(cut.has("claim failed") && cut.has("1 renewals failed"));
    assert.ok(!cut.told.some((line) => line.startsWith("settled")));
    fault(source, undefined);
  },
  { options: { observer: cut.observer } },
);

Deno.test("several listeners hear the same, and stand around the work one within the other", async () => {
  const order: string[] = [];
  const around = (name: string): QueueObserver => ({
    async attempt(_, work) {
      order.push(`${name} in`);
      return await work().finally(() => order.push(`${name} out`));
    },
    claimFailed: (source) => void order.push(`${name} ${source}`),
  });
  const all = together([around("a"), {}, around("b")]);
  assert.equal(await all.attempt!({} as never, () => Promise.resolve(7)), 7);
  all.claimFailed!("q");
  all.leaseLost!("q");
  assert.deepEqual(order, ["a in", "b in", "b out", "a out", "a q", "b q"]);
});
