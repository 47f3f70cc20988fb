import assert from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { needs } from "../testing/requirements.ts";
import { recorder, routine, type RunRow, schedulerSuite } from "../testing/schedule_bench.ts";

const START = "2026-03-02T08:00:00Z"; // a Monday
const HOURLY = routine({ id: "hourly", schedule: { cron: "0 * * * *" } });

schedulerSuite("routines fire at their times", START, await needs("postgres"), {
  async "a routine fires at its times, and each run is recorded with its result"(bench) {
    const { actions, times, ran } = recorder();
    bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(7200);
    assert.deepEqual(times(), ["2026-03-02T09:00:00.000Z", "2026-03-02T10:00:00.000Z"]);
    const [first] = await bench.runs();
    assert.deepEqual(
      [first!.status, first!.result, first!.worker_id, first!.id],
      ["succeeded", { ok: true }, "a", ran[0]!.run.id],
    );
  },

  async "what is missed within the window is made up for once, and every miss is counted"(bench) {
    await using log = capturedLog();
    const first = recorder();
    const worker = bench.worker("a", { routines: [HOURLY], actions: first.actions });
    await bench.pass(3600);
    await worker.stop();
    await bench.pass(4 * 3600 + 1800);
    const second = recorder();
    bench.worker("a", { routines: [HOURLY], actions: second.actions });
    await bench.pass(60);
    assert.deepEqual(second.times(), ["2026-03-02T13:00:00.000Z"]);
    const missed = (await bench.runs()).find(({ status }) => status === "missed");
    assert.deepEqual([missed?.missed_count, missed?.due_at], [3, "2026-03-02T12:00:00+00:00"]);
    assert.match(
      log.messages("schedule").join("\n"),
      /hourly was missed 3 times: from .*T10:00.* to .*T12:00/,
    );
    const [row] = await bench.database.call<{ counts: Record<string, number> }[]>("actp_list_routines");
    assert.deepEqual(row!.counts, { runs: 2, failed: 0, missed: 3, skipped: 0 });
  },

  async "what is missed beyond the window, or is to be skipped, is only counted"(bench) {
    const daily = routine({ id: "daily", schedule: { cron: "0 9 * * *" }, missedWindowSeconds: 3600 });
    const routines = [daily, { ...HOURLY, missed: "skip" as const }];
    const worker = bench.worker("a", { routines, actions: recorder().actions });
    await bench.pass(60);
    await worker.stop();
    await bench.pass(3 * 3600 + 600);
    const late = recorder();
    bench.worker("a", { routines, actions: late.actions });
    await bench.pass(60);
    assert.deepEqual(late.ran, []);
    assert.deepEqual(
      (await bench.runs()).map((run) => [run.routine_id, run.status, run.missed_count]).sort(),
      [
        ["daily", "missed", 1],
        ["hourly", "missed", 3],
      ],
    );
  },

  async "a routine that is new has missed nothing before it was known"(bench) {
    const { actions, ran } = recorder();
    bench.worker("a", {
      routines: [HOURLY, routine({ id: "often", schedule: { everySeconds: 600 } })],
      actions,
    });
    await bench.pass(60);
    assert.deepEqual([ran, await bench.runs()], [[], []]);
  },

  async "once is once, also after a restart, and late when nobody was there"(bench) {
    const once = routine({ id: "once", schedule: { at: "2026-03-02T07:30:00Z" } });
    const { actions, times } = recorder();
    const worker = bench.worker("a", { routines: [once], actions });
    await bench.pass(60);
    await worker.stop();
    bench.worker("a", { routines: [once], actions });
    await bench.pass(60);
    assert.deepEqual(times(), ["2026-03-02T07:30:00.000Z"]);
  },

  async "switched off nothing fires; switched on again, nothing was missed meanwhile"(bench) {
    const { actions, times } = recorder();
    bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(60);
    await bench.database.call("actp_switch_routine", { p_id: "hourly", p_on: false });
    await bench.pass(7200);
    await bench.database.call("actp_switch_routine", { p_id: "hourly", p_on: true });
    await bench.pass(3600);
    assert.deepEqual(times(), ["2026-03-02T11:00:00.000Z"]);
  },

  async "run by hand it runs once, soon, also when it is switched off"(bench) {
    const { actions, ran } = recorder();
    bench.worker("a", { routines: [{ ...HOURLY, enabled: false }], actions });
    await bench.pass(60);
    const first = await bench.database.call<RunRow>("actp_run_routine", { p_id: "hourly", p_by: "ann" });
    const again = await bench.database.call<RunRow>("actp_run_routine", { p_id: "hourly", p_by: "ann" });
    assert.equal(again.id, first.id);
    await bench.pass(60);
    assert.deepEqual(ran.map(({ run }) => run.id), [first.id]);
    await bench.pass(7200);
    assert.equal(ran.length, 1);
  },

  async "listing changes nothing"(bench) {
    const { actions, times } = recorder();
    bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(60);
    const list = () => bench.database.call<Record<string, unknown>[]>("actp_list_routines");
    assert.deepEqual(await list(), await list());
    for (let minute = 0; minute < 60; minute++) {
      await list();
      await bench.pass(60);
    }
    assert.deepEqual(times(), ["2026-03-02T09:00:00.000Z"]);
  },

  async "other routines take effect without a restart, and nothing due is lost on the way"(bench) {
    const { actions, ran } = recorder();
    const { scheduler } = bench.worker("a", { routines: [HOURLY], actions });
    await bench.pass(3590);
    scheduler.reload([HOURLY, routine({ id: "often", schedule: { everySeconds: 600 } })]);
    await bench.pass(620);
    scheduler.reload([routine({ id: "hourly", schedule: { cron: "30 * * * *" } })]);
    await bench.pass(3600);
    assert.deepEqual(ran.map(({ id, run }) => `${id} ${run.dueAt.toISOString().slice(11, 16)}`), [
      "hourly 09:00",
      "often 09:09",
      "hourly 09:30",
    ]);
  },

  async "its status tells whether its loop goes round"(bench) {
    const worker = bench.worker("a", {
      routines: [HOURLY, { ...HOURLY, id: "off", enabled: false }],
      actions: {},
    });
    assert.equal(worker.scheduler.status().alive, false);
    await bench.pass(60);
    assert.deepEqual(
      { ...worker.scheduler.status(), last_tick_seconds: 0 },
      {
        alive: true,
        last_tick_seconds: 0,
        routines: 2,
        on: 1,
        running: 0,
        next_due_at: "2026-03-02T09:00:00.000Z",
        error: null,
      },
    );
    await worker.stop();
    await bench.clock.advance(120_000);
    assert.equal(worker.scheduler.status().alive, false);
  },
});
