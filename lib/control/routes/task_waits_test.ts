import assert from "node:assert/strict";
import type { Database } from "../../database/database.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { TaskWaits } from "./task_waits.ts";

function setUp() {
  const clock = fakeClock();
  const settled = new Set<string>();
  const calls: string[][] = [];
  let away = false;
  const stop = new AbortController();
  const database = {
    call(_fn: string, { p_task_ids }: { p_task_ids: string[] }) {
      calls.push(p_task_ids);
      if (away) return Promise.reject(new Error("away"));
      return Promise.resolve(p_task_ids.filter((id) => settled.has(id)));
    },
  } as unknown as Database;
  const waits = new TaskWaits({ database, clock, signal: stop.signal });
  const wait = (id: string, ms = 30_000, signal = new AbortController().signal) => {
    const began = clock.monotonic();
    const told: { after?: number } = {};
    const over = waits.wait(id, ms, signal).then(() => void (told.after = clock.monotonic() - began));
    return { told, over };
  };
  return { clock, settled, calls, stop, waits, wait, setAway: (value: boolean) => void (away = value) };
}

Deno.test("who waits is answered soon after the task is settled, and then nobody looks any more", async () => {
  const { clock, settled, calls, waits, wait } = setUp();
  const { told, over } = wait("a");
  await clock.advance(10_000);
  assert.equal(told.after, undefined);
  settled.add("a");
  await clock.advance(1000);
  await over;
  assert.ok(told.after! <= 11_000, String(told.after));
  const looks = calls.length;
  await clock.advance(60_000);
  assert.deepEqual([calls.length, waits.waiting, clock.pending()], [looks, 0, 0]);
});

Deno.test("all who wait share one look, at most once a second in the long run", async () => {
  const { clock, calls, wait } = setUp();
  const all = Array.from({ length: 500 }, (_, n) => wait(`task ${n % 50}`, 20_000));
  await clock.advance(20_000);
  await Promise.all(all.map(({ over }) => over));
  assert.ok(calls.length < 30, String(calls.length));
  assert.equal(new Set(calls[1]).size, 50);
});

Deno.test("a task that is not settled in time is answered after it", async () => {
  const { clock, wait } = setUp();
  const { told, over } = wait("a", 2_000);
  await clock.advance(2_000);
  await over;
  assert.equal(told.after, 2_000);
});

Deno.test("a client that goes away, and a worker that stops, end the waiting at once", async () => {
  const { clock, stop, waits, wait } = setUp();
  const gone = new AbortController();
  const one = wait("a", 30_000, gone.signal);
  const two = wait("b");
  await clock.advance(100);
  gone.abort();
  await clock.advance(0);
  await one.over;
  assert.equal(waits.waiting, 1);
  stop.abort();
  await clock.advance(0);
  await two.over;
  assert.deepEqual([waits.waiting, clock.pending()], [0, 0]);
  await wait("c").over;
});

Deno.test("a database that is away for a while ends no waiting", async () => {
  const { clock, settled, wait, setAway } = setUp();
  setAway(true);
  const { told, over } = wait("a");
  await clock.advance(5_000);
  assert.equal(told.after, undefined);
  setAway(false);
  settled.add("a");
  await clock.advance(1_000);
  await over;
  assert.ok(told.after! <= 6_000);
});
