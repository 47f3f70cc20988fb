import assert from "node:assert/strict";
import { DatabaseError } from "../database/database.ts";
import type { ClaimedJob } from "../jobs/protocol.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { type FakeClock, fakeClock } from "../testing/fake_clock.ts";
import { ClaimDesk } from "./claim_desk.ts";
import type { Holder, JobStore } from "./store.ts";

const JOB: ClaimedJob = { run_id: "j1", request: { wdl: "x" }, token: "1" };

/** A desk before a queue of which the test says what is in it. */
function setUp(clock: FakeClock, options: { listen?: boolean } = {}) {
  const jobs: ClaimedJob[] = [];
  const given: Holder[] = [];
  const calls = { claim: 0, rescue: 0 };
  const state: { listener?: (payload: string) => void; failing: boolean; onClaim?: () => void } = {
    failing: false,
  };
  const unused = () => Promise.reject(new Error("not asked for here"));
  const store: JobStore = {
    submit: unused,
    get: unused,
    list: unused,
    cancel: unused,
    running: unused,
    heartbeat: unused,
    register: unused,
    claim() {
      calls.claim++;
      state.onClaim?.();
      return Promise.resolve(jobs.shift());
    },
    finish(holder, ending) {
      if (state.failing) return Promise.reject(new DatabaseError("nobody answers", { transient: true }));
      assert.equal(ending.outcome, "released");
      given.push(holder);
      return Promise.resolve({ state: "Pending" });
    },
    rescue() {
      calls.rescue++;
      return state.failing
        ? Promise.reject(new DatabaseError("nobody answers", { transient: true }))
        : Promise.resolve();
    },
  };
  const desk = new ClaimDesk({
    store,
    clock,
    leaseSeconds: 20,
    database: {
      description: "",
      call: unused,
      close: () => Promise.resolve(),
      ...(options.listen && {
        listen: (channel: string, notify: (payload: string) => void) => {
          assert.equal(channel, "actp_tasks");
          state.listener = notify;
          return Promise.resolve(() => Promise.resolve(void (state.listener = undefined)));
        },
      }),
    },
  });
  return { desk, jobs, given, calls, state };
}

const here = () => new AbortController().signal;

Deno.test("a claim that does not wait asks once", async () => {
  const { desk, jobs, calls } = setUp(fakeClock());
  assert.equal(await desk.claim("w1", 0, here()), undefined);
  jobs.push(JOB);
  assert.equal(await desk.claim("w1", 0, here()), JOB);
  assert.equal(calls.claim, 2);
});

Deno.test("a claim waits as long as it was told, and looks every two seconds", async () => {
  const clock = fakeClock();
  const { desk, calls } = setUp(clock);
  let answer: unknown = "none yet";
  const waiting = desk.claim("w1", 5000, here()).then((job) => answer = job);
  await clock.advance(4900);
  assert.deepEqual([answer, calls.claim], ["none yet", 3]);
  await clock.advance(100);
  await waiting;
  assert.deepEqual([answer, calls.claim, clock.pending()], [undefined, 4, 0]);
});

Deno.test("a hint ends the waiting at once", async () => {
  const clock = fakeClock();
  const { desk, jobs, state } = setUp(clock, { listen: true });
  const stop = new AbortController();
  const service = desk.service().run(stop.signal);
  await clock.advance(0);
  const waiting = desk.claim("w1", 30_000, here());
  await clock.advance(0);
  jobs.push(JOB);
  state.listener!("cancel:something else");
  state.listener!("pending");
  assert.equal(await waiting, JOB);
  stop.abort();
  await service;
  assert.equal(state.listener, undefined, "the subscription is left");
});

Deno.test("a worker that went away while it waited is given nothing more", async () => {
  const clock = fakeClock();
  const { desk, jobs, calls } = setUp(clock);
  const gone = new AbortController();
  const waiting = desk.claim("w1", 30_000, gone.signal);
  await clock.advance(0);
  gone.abort();
  assert.equal(await waiting, undefined);
  jobs.push(JOB);
  desk.wake();
  await clock.advance(10_000);
  assert.deepEqual([calls.claim, jobs.length, clock.pending()], [1, 1, 0]);
});

Deno.test("a job that was claimed for a worker that went away goes back", async () => {
  const { desk, jobs, given, state } = setUp(fakeClock());
  const gone = new AbortController();
  state.onClaim = () => gone.abort();
  jobs.push(JOB);
  assert.equal(await desk.claim("w1", 30_000, gone.signal), undefined);
  assert.deepEqual(given, [{ runId: "j1", workerId: "w1", token: "1" }]);
});

Deno.test("where it cannot go back, its lease is left to run out, and the log says so", async () => {
  await using log = capturedLog();
  const { desk, jobs, state } = setUp(fakeClock());
  const gone = new AbortController();
  state.onClaim = () => gone.abort();
  state.failing = true;
  jobs.push(JOB);
  assert.equal(await desk.claim("w1", 0, gone.signal), undefined);
  assert.deepEqual(log.messages("jobs"), ["cannot give back job j1: nobody answers"]);
});

Deno.test("when the server stops, nobody waits any more", async () => {
  const clock = fakeClock();
  const { desk } = setUp(clock);
  const stop = new AbortController();
  const service = desk.service().run(stop.signal);
  const waiting = desk.claim("w1", 60_000, here());
  await clock.advance(0);
  stop.abort();
  assert.equal(await waiting, undefined);
  assert.equal(await desk.claim("w1", 60_000, here()), undefined);
  await service;
  assert.equal(clock.pending(), 0);
});

Deno.test("jobs that lost their worker are looked for every quarter of a lease, through outages", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  const { desk, calls, state } = setUp(clock);
  const stop = new AbortController();
  const service = desk.service().run(stop.signal);
  await clock.advance(10_000);
  assert.equal(calls.rescue, 2);
  state.failing = true;
  await clock.advance(60_000);
  assert.ok(calls.rescue >= 5 && calls.rescue < 14, String(calls.rescue));
  assert.deepEqual(log.messages("jobs"), ["cannot look for jobs that lost their worker: nobody answers"]);
  state.failing = false;
  await clock.advance(60_000);
  const before = calls.rescue;
  await clock.advance(20_000);
  assert.equal(calls.rescue, before + 4);
  stop.abort();
  await service;
});
