import assert from "node:assert/strict";
import { instantClock } from "../testing/instant_clock.ts";
import { StorageFault } from "./fault.ts";
import { persevere } from "./persevere.ts";

const signal = new AbortController().signal;
const passing = (waitMs?: number) => new StorageFault("busy", { retry: true, waitMs });

Deno.test("what fails and may pass is tried again, later each time, at most six times", async () => {
  const clock = instantClock();
  let tries = 0;
  const work = () => {
    tries++;
    return Promise.reject(passing());
  };
  await assert.rejects(persevere(work, { clock, signal }), /busy/);
  assert.equal(tries, 6);
  assert.equal(clock.slept.length, 5);
  clock.slept.forEach((ms, n) => assert.ok(ms <= 1_000 * 2 ** n && ms >= 800 * 2 ** n, `${clock.slept}`));
});

Deno.test("as long as it gets on between the failures, it goes on", async () => {
  let done = 0;
  const work = () => ++done < 50 ? Promise.reject(passing()) : Promise.resolve(done);
  assert.equal(await persevere(work, { clock: instantClock(), signal, progress: () => done }), 50);
});

Deno.test("the server's own wish is followed, unless it asks for too much", async () => {
  const clock = instantClock();
  const waits = [5_000, 120_000, 120_001];
  const work = () => Promise.reject(passing(waits.shift()));
  await assert.rejects(persevere(work, { clock, signal }), /busy/);
  assert.deepEqual(clock.slept, [5_000, 120_000]);
});

Deno.test("final faults and other errors are not tried again", async () => {
  for (const error of [new StorageFault("no", { retry: false }), new Error("bug")]) {
    let tries = 0;
    await assert.rejects(
      persevere(() => Promise.reject(tries++ ? new Error("again") : error), {
        clock: instantClock(),
        signal,
      }),
      error,
    );
  }
});

Deno.test("an abort ends the trying with its reason", async () => {
  const stop = new AbortController();
  const work = () => {
    stop.abort(new Error("stopped"));
    return Promise.reject(passing());
  };
  await assert.rejects(persevere(work, { clock: instantClock(), signal: stop.signal }), /stopped/);
});
