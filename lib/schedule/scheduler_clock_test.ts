import assert from "node:assert/strict";
import { needs } from "../testing/requirements.ts";
import { recorder, routine, schedulerSuite } from "../testing/schedule_bench.ts";

const START = "2026-03-02T08:00:00Z"; // a Monday
const HOURLY = routine({ id: "hourly", schedule: { cron: "0 * * * *" } });

schedulerSuite("clocks may leap", START, await needs("postgres"), {
  async "an interval keeps its anchor across restarts"(bench) {
    const often = routine({ id: "often", schedule: { everySeconds: 600 } });
    const { actions, times } = recorder();
    for (let restarts = 0; restarts < 3; restarts++) {
      const worker = bench.worker("a", { routines: [often], actions });
      await bench.pass(420);
      await worker.stop();
    }
    assert.deepEqual(times(), ["2026-03-02T08:10:00.000Z", "2026-03-02T08:20:00.000Z"]);
  },

  async "after sleep, which the monotonic clock did not notice, what is due fires within 30 s, once"(bench) {
    const { actions, times } = recorder();
    bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(60);
    bench.clock.jump(3 * 3_600_000 + 600_000);
    await bench.pass(30);
    assert.deepEqual(times(), ["2026-03-02T11:00:00.000Z"]);
    await bench.pass(3600);
    assert.deepEqual(times().slice(1), ["2026-03-02T12:00:00.000Z"]);
  },

  async "a clock that is set back doubles nothing, and stops nothing"(bench) {
    const { actions, ran } = recorder();
    const often = routine({ id: "often", schedule: { everySeconds: 600, anchor: START } });
    bench.worker("a", { routines: [HOURLY, often], actions });
    await bench.pass(7205);
    const before = ran.length;
    assert.equal(before, 2 + 12);
    bench.clock.jump(-3_600_000); // 09:00 comes again
    await bench.pass(3600);
    assert.equal(ran.length, before); // all of these times have fired
    await bench.pass(600);
    assert.deepEqual(
      ran.slice(before).map(({ id, run }) => `${id} ${run.dueAt.toISOString().slice(11, 16)}`),
      [
        "often 10:10",
      ],
    );
  },

  async "a clock that was far ahead and is put right leaves nothing waiting for the time that was shown"(
    bench,
  ) {
    const { actions, times } = recorder();
    bench.clock.jump(400 * 86_400_000);
    const worker = bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(3600);
    bench.clock.jump(-400 * 86_400_000);
    await bench.pass(3600);
    await worker.stop();
    bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(3600);
    assert.deepEqual(times().map((time) => time.slice(0, 13)), [
      "2027-04-06T09",
      "2026-03-02T10",
      "2026-03-02T11",
    ]);
  },

  async "workers whose clocks are wrong fire at the database's times"(bench) {
    const { actions, times } = recorder();
    bench.worker("fast", { routines: [HOURLY], actions }, 86_400_000);
    bench.worker("slow", { routines: [HOURLY], actions }, -86_400_000);
    await bench.pass(3590);
    assert.deepEqual(times(), []);
    await bench.pass(15);
    assert.deepEqual(times(), ["2026-03-02T09:00:00.000Z"]);
  },
  async "the minute tick shows at once that time was slept away"(bench) {
    const { actions, times } = recorder();
    let tick = () => {};
    bench.worker("a", {
      routines: [HOURLY],
      actions,
      minuteTick: (call) => (tick = call, Promise.resolve()),
    });
    await bench.pass(60);
    bench.clock.jump(3_600_000);
    tick();
    await bench.settle();
    assert.deepEqual(times(), ["2026-03-02T09:00:00.000Z"]);
  },

  async "old runs are deleted, but for the last one of each routine"(bench) {
    bench.worker("a", {
      routines: [HOURLY, { ...HOURLY, id: "yearly", schedule: { cron: "@yearly" } }],
      actions: recorder().actions,
    });
    await bench.pass(3600);
    await bench.database.call("actp_run_routine", { p_id: "yearly" });
    await bench.pass(60);
    bench.clock.jump(3 * 86_400_000);
    await bench.pass(3660);
    const { routine_runs, more } = await bench.database.call<{ routine_runs: number; more: boolean }>(
      "actp_prune_history",
      { p_days: 1 },
    );
    assert.ok(routine_runs > 0 && !more);
    const runs = await bench.runs();
    assert.deepEqual(runs.filter(({ routine_id }) => routine_id === "yearly").map(({ status }) => status), [
      "succeeded",
    ]);
    const hourly = runs.filter(({ routine_id }) => routine_id === HOURLY.id);
    assert.ok(
      hourly.length > 0 && hourly.every(({ due_at }) => due_at.startsWith("2026-03-05")),
      JSON.stringify(runs),
    );
  },
});
