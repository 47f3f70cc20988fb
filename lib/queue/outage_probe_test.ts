import assert from "node:assert/strict";
import { SourceError } from "../task/task.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fault, type Parts, untilTask, workerTest } from "../testing/queue_worker.ts";
import { Outage } from "./outage.ts";
import { OutageProbe } from "./outage_probe.ts";

const HOUR_MS = 3_600_000;

/** Runs a probe beside the worker until it is disposed. */
function probing({ worker, source, clock }: Parts) {
  const stop = new AbortController();
  const run = new OutageProbe({ outage: worker.outage, clock, ping: (signal) => source.ping(signal) })
    .run(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
    },
  };
}

const times = ({ source }: Parts, call: string, from: number, to = Infinity) =>
  source.calls.filter((one) => one.call === call && one.at >= from && one.at < to).map(({ at }) => at);

workerTest("an hour's outage: few claims, one line at either end, and back within 2 s", async (parts) => {
  const { clock, source, log, queue } = parts;
  await using _ = probing(parts);
  await clock.advance(10_000);
  assert.deepEqual(times(parts, "ping", 0), [], "idle without an outage");
  const before = log.records.length;
  fault(source, "refuse");
  const began = clock.monotonic();
  await clock.advance(HOUR_MS);
  const claims = times(parts, "claim", began, began + HOUR_MS);
  assert.ok(claims.length > 10 && claims.length < 30, `${claims.length} claims in an hour`);
  const pings = times(parts, "ping", began);
  assert.ok(pings.length >= 2300 && pings.length <= 3600, `${pings.length} pings in an hour`);
  assert.equal(log.records.length, before + 1, "one line when it begins, and none more");

  fault(source, undefined);
  const id = queue.enqueue();
  await clock.advance(2000);
  assert.equal(times(parts, "claim", began + HOUR_MS).length > 0, true, "claims again within 2 s");
  const work = await parts.worker.working(id);
  const outages = log.records.filter(({ category }) => category === "outage");
  assert.equal(outages.length, 2);
  assert.match(outages[1].message, /answers again after 3(59|60)\d s/);
  work.finish();
  await untilTask(queue, id, "done");
  const after = times(parts, "ping", 0).length;
  await clock.advance(60_000);
  assert.equal(times(parts, "ping", 0).length, after, "idle again");
});

for (const seconds of [1, 2, 3, 4, 6, 10, 25, 60]) {
  workerTest(`after an outage of ${seconds} s claims are back within 2 s`, async (parts) => {
    const { clock, source } = parts;
    await using _ = probing(parts);
    await clock.advance(2500);
    fault(source, "refuse");
    await clock.advance(seconds * 1000);
    fault(source, undefined);
    const back = clock.monotonic();
    await clock.advance(2200); // with no outage seen, the poll interval counts
    assert.ok(times(parts, "claim", back).length > 0);
  });
}

Deno.test("a database that does not answer is asked with a time limit, one question at a time", async () => {
  await using _log = capturedLog();
  const clock = fakeClock();
  const outage = new Outage("the database", clock);
  let asked = 0;
  let open = 0;
  const ping = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => {
      asked++;
      assert.equal(++open, 1);
      signal.addEventListener("abort", () => {
        open--;
        reject(signal.reason);
      });
    });
  const stop = new AbortController();
  const run = new OutageProbe({ outage, clock, ping, random: () => 0 }).run(stop.signal);
  outage.failed(new Error("gone"));
  await clock.advance(60_000);
  assert.equal(asked, 10);
  stop.abort();
  await run;
  assert.equal(clock.pending(), 0);
});

Deno.test("a refusal is not probed: that the database lives is known", async () => {
  await using _log = capturedLog();
  const clock = fakeClock();
  const outage = new Outage("the database", clock);
  const stop = new AbortController();
  const run = new OutageProbe({ outage, clock, ping: () => assert.fail("asked") }).run(stop.signal);
  outage.failed(new SourceError("permission denied", { transient: false }));
  await clock.advance(60_000);
  assert.ok(outage.state);
  stop.abort();
  await run;
});
