import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { testQueue } from "../testing/task_source.ts";
import { RunningTask } from "./running.ts";
import { Slots } from "./slots.ts";

async function setUp() {
  const clock = fakeClock();
  const queue = testQueue(clock);
  queue.enqueue();
  const source = queue.source();
  const [task] = await source.claim(["echo"], 1, new AbortController().signal);
  return new RunningTask(task!, source, clock);
}

Deno.test("tasks in progress and claims under way take places, and give them back", async () => {
  const running = await setUp();
  const slots = new Slots(3);
  const giveBack = slots.reserve(2);
  slots.take(running);
  assert.equal(slots.room, 0);
  giveBack();
  assert.equal(slots.room, 2);
  slots.free(running);
  assert.equal(slots.room, 3);
});

Deno.test("whoever waits for a place hears of each that comes free, until he stops listening", async () => {
  const running = await setUp();
  const slots = new Slots(1);
  let heard = 0;
  const stop = slots.onFree(() => heard++);
  slots.take(running);
  slots.free(running);
  stop();
  slots.free(running);
  assert.equal(heard, 1);
});
