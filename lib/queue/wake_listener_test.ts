import assert from "node:assert/strict";
import type { Wake } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { testQueue } from "../testing/task_source.ts";
import { wakeListener } from "./wake_listener.ts";

function setUp() {
  const clock = fakeClock();
  const queue = testQueue(clock);
  const source = queue.source();
  const wakes: Wake[] = [];
  const stop = new AbortController();
  return {
    clock,
    queue,
    source,
    wakes,
    stop,
    run: () => wakeListener(source, (wake) => wakes.push(wake), clock).run(stop.signal),
  };
}

Deno.test("hints are passed on until the stop, and the queue is looked at once when the subscription stands", async () => {
  const { clock, queue, source, wakes, stop, run } = setUp();
  const ended = run();
  await clock.advance(0);
  assert.deepEqual(wakes, [{ kind: "pending" }]);
  queue.enqueue();
  await source.claim(["echo"], 1, stop.signal);
  queue.cancel("task-1");
  assert.deepEqual(wakes.slice(1), [{ kind: "pending" }, { kind: "cancel", taskId: "task-1" }]);
  stop.abort();
  await ended;
  assert.deepEqual([source.listeners, clock.pending()], [0, 0]);
});

Deno.test("a subscription that fails is tried again, with one line in the log", async () => {
  await using log = capturedLog();
  const { clock, source, stop, run } = setUp();
  source.faults.listen = "refuse";
  const ended = run();
  await clock.advance(100_000);
  assert.ok(source.calls.length > 4);
  source.faults.listen = undefined;
  await clock.advance(60_000);
  assert.equal(source.listeners, 1);
  assert.equal(log.messages("wake").length, 1);
  stop.abort();
  await ended;
});

Deno.test("a subscription that never comes does not hold up a stop", async () => {
  const { clock, source, stop, run } = setUp();
  source.faults.listen = "deaf";
  const ended = run();
  await clock.advance(1000);
  stop.abort();
  await ended;
  await clock.advance(0);
  assert.equal(clock.pending(), 0);
});

Deno.test("a subscription that comes after the stop is ended again", async () => {
  const { clock, source, stop, run } = setUp();
  source.faults.listen = { lateMs: 5000 };
  const ended = run();
  await clock.advance(1000);
  stop.abort();
  await ended;
  assert.equal(source.listeners, 1);
  await clock.advance(4000);
  assert.equal(source.listeners, 0);
});

Deno.test("an unsubscription is called without anything that it could take for an argument", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  let given: unknown[] | undefined;
  const source = {
    name: "queue",
    listen: () =>
      Promise.resolve((...args: unknown[]) => {
        given = args;
        return Promise.resolve();
      }),
  };
  const run = wakeListener(source, () => {}, clock).run(stop.signal);
  await clock.advance(0);
  stop.abort();
  await run;
  assert.deepEqual(given, []);
});

Deno.test("an unsubscription that hangs holds up a stop by a second at most", async () => {
  await using _ = capturedLog();
  const { clock, source, stop, run } = setUp();
  source.listen = () => Promise.resolve(() => new Promise<never>(() => {}));
  const ended = run();
  await clock.advance(0);
  stop.abort();
  await clock.advance(1000);
  await ended;
});

Deno.test("a queue without hints is left alone", async () => {
  const { clock, source } = setUp();
  await wakeListener({ ...source, listen: undefined }, () => {}, clock).run(new AbortController().signal);
  assert.equal(source.calls.length, 0);
});
