import assert from "node:assert/strict";
import { readEvents } from "../../testing/event_stream.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { until } from "../../testing/until.ts";
import { BATCH_MS, Broadcast, GRACE_MS, MOST_READERS, RING_SIZE } from "./broadcast.ts";
import type { TaskView } from "./event.ts";

const task = (n: number, pad = "") => ({ type: "task" as const, data: { id: `${n}`, pad } as TaskView });

function bench() {
  const clock = fakeClock();
  let snapshots = 0;
  let watching = 0;
  const broadcast = new Broadcast({
    clock,
    snapshot: () => Promise.resolve({ number: ++snapshots }),
    async whileRead(signal) {
      watching++;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      watching--;
    },
  });
  const read = (last?: string, stillHolds?: () => boolean) => readEvents(broadcast.read(last, stillHolds));
  /** One who has been told how things stand. */
  const settled = async () => {
    const stream = read();
    const first = await stream.next();
    assert.equal(first?.event, "snapshot");
    return stream;
  };
  return { clock, broadcast, read, settled, snapshots: () => snapshots, watching: () => watching };
}

Deno.test("a snapshot comes first, and then what happens, in order and with ids that grow", async () => {
  const { broadcast, clock, read } = bench();
  const stream = read();
  const first = await stream.next();
  assert.deepEqual([first?.event, first?.data], ["snapshot", { number: 1 }]);
  broadcast.publish(task(1));
  broadcast.publish(task(2));
  await clock.advance(BATCH_MS);
  const [one, two] = [await stream.next(), await stream.next()];
  assert.deepEqual([one?.data.id, two?.data.id], ["1", "2"]);
  assert.match(two!.id, /^[0-9a-f]{8}-2$/);
  assert.equal(one!.id.slice(0, 8), first!.id.slice(0, 8));
  await broadcast.close();
  assert.equal(await stream.next(), undefined);
});

Deno.test("who comes again is told what was missed, and no snapshot", async () => {
  const { broadcast, clock, settled, read, snapshots } = bench();
  const stream = await settled();
  broadcast.publish(task(1));
  await clock.advance(BATCH_MS);
  const last = (await stream.next())!.id;
  await stream.close();
  broadcast.publish(task(2));
  broadcast.publish(task(3));
  const again = read(last);
  assert.deepEqual([(await again.next())?.data.id, (await again.next())?.data.id], ["2", "3"]);
  broadcast.publish(task(4));
  await clock.advance(BATCH_MS);
  assert.equal((await again.next())?.data.id, "4");
  assert.equal(snapshots(), 1);
  await broadcast.close();
});

Deno.test("an id that is unknown, too old, from another time or from the future gets a snapshot", async () => {
  const { broadcast, clock, settled, read } = bench();
  const stream = await settled();
  for (let n = 0; n <= RING_SIZE; n++) {
    broadcast.publish(task(n));
    if (n % 100 === 0) await clock.advance(BATCH_MS);
  }
  await clock.advance(BATCH_MS);
  const epoch = (await stream.next())!.id.slice(0, 8);
  for (const odd of ["x", "", "00000000-1", `${epoch}-0`, `${epoch}-99999`, `${epoch}--1`, `${epoch}-1e3`]) {
    assert.equal((await read(odd).next())?.event, "snapshot", odd);
  }
  assert.equal((await read(`${epoch}-1`).next())?.event, "task");
  await broadcast.close();
});

Deno.test("what happens while the snapshot is made is told after it", async () => {
  const clock = fakeClock();
  const making = Promise.withResolvers<unknown>();
  const broadcast = new Broadcast({
    clock,
    snapshot: () => making.promise,
    whileRead: () => Promise.resolve(),
  });
  const stream = readEvents(broadcast.read(undefined));
  broadcast.publish(task(1));
  await clock.advance(BATCH_MS);
  broadcast.publish(task(2));
  making.resolve({});
  const told = [await stream.next(), await stream.next(), await stream.next()];
  assert.deepEqual(told.map((event) => event?.data.id ?? event?.event), ["snapshot", "1", "2"]);
  broadcast.publish(task(3));
  await clock.advance(BATCH_MS);
  assert.equal((await stream.next())?.data.id, "3");
  await broadcast.close();
});

Deno.test("hundreds who come together get one snapshot, and one too many is refused", async () => {
  const { broadcast, read, snapshots } = bench();
  const streams = Array.from({ length: MOST_READERS }, () => read());
  assert.throws(() => read(), { code: "too_many_streams", status: 503 });
  for (const stream of streams) assert.equal((await stream.next())?.event, "snapshot");
  assert.equal(snapshots(), 1);
  await broadcast.close();
});

Deno.test("a reader that does not read is cut off, and the others and the worker notice nothing", async () => {
  const { broadcast, clock, settled } = bench();
  const slow = await settled();
  const quick = await settled();
  let told = 0;
  for (let n = 1; n <= 600; n++) {
    broadcast.publish(task(n));
    if (n % 50 > 0) continue;
    await clock.advance(BATCH_MS);
    for (; told < n; told++) assert.equal((await quick.next())?.data.id, String(told + 1));
  }
  assert.equal(broadcast.readers, 1);
  await assert.rejects(async () => {
    while (await slow.next());
  }, /too slow/);
  await broadcast.close();
});

Deno.test("a reader is cut off when what waits for it is too large, however few events it is", async () => {
  const { broadcast, clock, settled } = bench();
  await settled();
  for (let n = 0; n < 30; n++) {
    broadcast.publish(task(n, "x".repeat(60_000)));
    await clock.advance(BATCH_MS);
  }
  assert.equal(broadcast.readers, 0);
  await broadcast.close();
});

Deno.test("a comment goes out every 15 seconds", async () => {
  const { broadcast, clock, settled } = bench();
  const stream = await settled();
  await clock.advance(45_000);
  broadcast.publish(task(1));
  await clock.advance(BATCH_MS);
  await stream.next();
  assert.equal(stream.comments, 3);
  await broadcast.close();
});

Deno.test("a stream ends within 15 seconds of what opened it being revoked", async () => {
  const { broadcast, clock, read } = bench();
  let holds = true;
  const stream = read(undefined, () => holds);
  await stream.next();
  holds = false;
  await clock.advance(15_000);
  assert.equal(await stream.next(), undefined);
  await broadcast.close();
});

Deno.test("without readers nothing is watched or kept, and after a while what was is forgotten", async () => {
  const { broadcast, clock, settled, read, watching } = bench();
  broadcast.publish(task(0));
  assert.deepEqual([broadcast.active, watching(), clock.pending()], [false, 0, 0]);
  const stream = await settled();
  assert.equal(watching(), 1);
  broadcast.publish(task(1));
  await clock.advance(BATCH_MS);
  const last = (await stream.next())!.id;
  await stream.close();
  await clock.advance(GRACE_MS - 1);
  assert.equal(broadcast.active, true);
  await clock.advance(1);
  await until("the watch is over", () => watching() === 0);
  assert.deepEqual([broadcast.active, clock.pending()], [false, 0]);
  assert.equal((await read(last).next())?.event, "snapshot");
  await broadcast.close();
});
