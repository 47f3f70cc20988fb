import assert from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { type CallCron, LegacyLoop, type LoopSettings } from "./loops.ts";

const CALL = { name: "MetricsLite /x", url: "https://m/x" };
const SETTINGS: LoopSettings = { name: "metrics", enabled: true, everyMs: 300_000, calls: [CALL] };

function setUp(call: CallCron, settings: Partial<LoopSettings> = {}) {
  const clock = fakeClock();
  const stop = new AbortController();
  const loop = new LegacyLoop({ ...SETTINGS, ...settings }, call, clock);
  const run = loop.run(stop.signal);
  return {
    clock,
    loop,
    run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await clock.advance(0);
      await run;
    },
  };
}

Deno.test("a loop calls at once and then at its interval", async () => {
  const calls: string[] = [];
  await using parts = setUp((call) => Promise.resolve(void calls.push(call.url)));
  await parts.clock.advance(900_000);
  assert.deepEqual(calls, Array(4).fill("https://m/x"));
  assert.deepEqual([parts.loop.status().state, parts.loop.status().runs], ["waiting", 4]);
});

Deno.test("a round that takes longer than the interval is not overlapped", async () => {
  let now = 0;
  let most = 0;
  const clock = fakeClock();
  const slow: CallCron = async (_, signal) => {
    most = Math.max(most, ++now);
    await clock.sleep(200_000, signal);
    now--;
  };
  const stop = new AbortController();
  const run = new LegacyLoop({ ...SETTINGS, everyMs: 60_000 }, slow, clock).run(stop.signal);
  await clock.advance(1_000_000);
  assert.equal(most, 1);
  stop.abort();
  await clock.advance(0);
  await run;
});

Deno.test("a failing call is told once, repeated with back-off, and does not keep the others from being made", async () => {
  await using log = capturedLog();
  const called: string[] = [];
  let broken = true;
  await using parts = setUp((call) => {
    called.push(call.name);
    return broken && call.name === "a"
      ? Promise.reject(new Error("Cannot call a: it answered 500"))
      : Promise.resolve();
  }, { calls: [{ name: "a", url: "u" }, { name: "b", url: "u" }] });
  await parts.clock.advance(45_000);
  assert.ok(called.length >= 6 && called.filter((name) => name === "b").length * 2 === called.length);
  const { state, last_error, failures } = parts.loop.status();
  assert.deepEqual([state, last_error], ["failing", "Cannot call a: it answered 500"]);
  assert.ok(failures >= 3);
  broken = false;
  await parts.clock.advance(300_000);
  assert.equal(parts.loop.status().state, "waiting");
  const told = log.messages("legacy");
  assert.equal(told.length, 2, told.join("\n"));
  assert.match(told[1]!, /works again after \d+ failures/);
});

Deno.test("a disabled loop does nothing; one without its settings says which", async () => {
  await using log = capturedLog();
  const never: CallCron = () => assert.fail("called");
  await using off = setUp(never, { enabled: false });
  await using bare = setUp(never, { calls: [], missing: "METRICSLITE_URL" });
  await off.clock.advance(1_000_000);
  assert.equal(off.loop.status().state, "disabled");
  assert.deepEqual([bare.loop.status().state, bare.loop.status().reason], [
    "not configured",
    "set METRICSLITE_URL",
  ]);
  assert.match(
    log.messages("legacy").join(),
    /the metrics loop is on and has nothing to call \(set METRICSLITE_URL\)/,
  );
});
