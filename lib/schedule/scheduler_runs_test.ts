import assert from "node:assert/strict";
import { aborted } from "../clock.ts";
import { needs } from "../testing/requirements.ts";
import {
  recorder,
  routine,
  type RunRow,
  type ScheduleBench,
  schedulerSuite,
} from "../testing/schedule_bench.ts";
import type { Notification } from "../notify/notification.ts";
import type { Actions } from "./routine.ts";
import type { RoutineObserver } from "./run_keeper.ts";

const START = "2026-03-02T08:00:00Z"; // a Monday
const HOURLY = routine({ id: "hourly", schedule: { cron: "0 * * * *" } });
const statuses = (runs: RunRow[]) => runs.map(({ status }) => status);

/** Runs end when told; `often` fires every 10 minutes. */
function longRuns(bench: ScheduleBench, overlap: "skip" | "queue" | "cancel") {
  const ends: (() => void)[] = [];
  const { actions, ran } = recorder((_, { signal }) =>
    new Promise<void>((resolve, reject) => {
      ends.push(resolve);
      signal.addEventListener("abort", () => reject(signal.reason));
    })
  );
  const often = routine({ id: "often", schedule: { everySeconds: 600 }, overlap });
  bench.worker("a", { routines: [often], actions });
  return { ends, ran };
}

schedulerSuite("runs meet, end and fail in good order", START, await needs("postgres"), {
  async "a run is recorded before it starts, and its worker's silence loses it without repeating it"(bench) {
    const told: Notification[] = [];
    const notify = (notification: Notification) => Promise.resolve(void told.push(notification));
    const slow = recorder((_, { signal }) => aborted(signal));
    const a = bench.worker("a", { routines: [HOURLY], actions: slow.actions });
    await bench.pass(3600);
    assert.deepEqual(statuses(await bench.runs()), ["running"]);
    const other = recorder();
    bench.worker("b", { routines: [HOURLY], actions: other.actions, notify });
    await bench.pass(300);
    assert.deepEqual(statuses(await bench.runs()), ["running"]); // it shows life, however long it takes
    a.cut();
    await bench.pass(120);
    const [lost] = await bench.runs();
    assert.deepEqual([lost!.status, /worker a fell silent/.test(lost!.error!)], ["lost", true]);
    assert.deepEqual(told.map(({ kind }) => kind), ["routine.lost"]);
    await bench.pass(3600);
    assert.deepEqual(other.times(), ["2026-03-02T10:00:00.000Z"]);
  },

  async "a run that is due while the last one runs is left out"(bench) {
    const { ends } = longRuns(bench, "skip");
    await bench.pass(1500);
    ends[0]!();
    await bench.pass(600);
    assert.deepEqual(statuses(await bench.runs()), ["succeeded", "skipped", "running"]);
  },

  async "or one waits for the end of the last one"(bench) {
    const { ends, ran } = longRuns(bench, "queue");
    await bench.pass(2000);
    assert.deepEqual(statuses(await bench.runs()), ["running", "waiting", "skipped"]);
    ends[0]!();
    await bench.pass(10);
    assert.deepEqual(statuses(await bench.runs()), ["succeeded", "running", "skipped"]);
    assert.equal(ran[1]!.run.dueAt.toISOString(), "2026-03-02T08:20:00.000Z");
  },

  async "or the last one is cancelled"(bench) {
    const { ran } = longRuns(bench, "cancel");
    await bench.pass(1210);
    assert.equal(ran[0]!.run.signal.aborted, true);
    assert.deepEqual(statuses(await bench.runs()), ["cancelled", "running"]);
  },

  async "a run is cancelled by another worker that claims the next one"(bench) {
    const { ran } = longRuns(bench, "cancel");
    await bench.pass(700);
    const claim = {
      id: "often",
      from: "2026-03-02T08:10:00Z",
      until: "2026-03-02T08:11:00Z",
      fire: true,
    };
    const args = { p_worker_id: "b", p_claims: [claim], p_lease_seconds: 60 };
    const { answers } = await bench.database.call<{ answers: { outcome: string }[] }>(
      "actp_claim_routine_runs",
      args,
    );
    assert.equal(answers[0]!.outcome, "cancel");
    await bench.pass(15);
    assert.deepEqual(statuses(await bench.runs()), ["cancelled", "running"]);
    assert.equal(ran[0]!.run.signal.aborted, true);
  },

  async "a run ends at its time limit, and one that does not heed it is left to itself"(bench) {
    const heeds = routine({ id: "heeds", schedule: { cron: "0 9 * * *" }, timeoutSeconds: 60 });
    const actions: Actions = {
      task: ({ id }, { signal }) =>
        id === "deaf" ? new Promise(() => {}) : aborted(signal).then(() => signal.throwIfAborted()),
    };
    const told: unknown[] = [];
    const observer: RoutineObserver = {
      fired: ({ id }, lateMs) => void told.push([id, "fired", lateMs < 1000]),
      perform: async ({ id }, _run, work) => {
        const outcome = await work();
        told.push([id, "performed", outcome.status]);
        return outcome;
      },
      ended: ({ id }, status, ms) => void told.push([id, status, ms >= 60_000 && ms < 80_000]),
    };
    bench.worker("a", { routines: [heeds, { ...heeds, id: "deaf" }], actions, observer });
    await bench.pass(3600 + 90);
    const runs = new Map((await bench.runs()).map((run) => [run.routine_id, run]));
    assert.deepEqual([runs.get("heeds")!.status, runs.get("heeds")!.error], [
      "timed_out",
      "its 60 s were up",
    ]);
    const of = (id: string) => told.filter((one) => (one as unknown[])[0] === id);
    for (const id of ["heeds", "deaf"]) {
      assert.deepEqual(of(id), [[id, "fired", true], [id, "performed", "timed_out"], [
        id,
        "timed_out",
        true,
      ]]);
    }
    assert.match(runs.get("deaf")!.error!, /^its 60 s were up, and it did not stop within 10 s/);
  },

  async "a routine that fails rests ever longer, and is switched off in the end, with a message"(bench) {
    const told: Notification[] = [];
    const { actions, ran } = recorder(() => Promise.reject(new Error("no disk")));
    const routines = [routine({ id: "often", schedule: { everySeconds: 60 }, maxFailures: 3 })];
    const worker = bench.worker("a", {
      routines,
      actions,
      notify: (notification) => Promise.resolve(void told.push(notification)),
    });
    await bench.pass(3600);
    assert.equal(ran.length, 3);
    assert.deepEqual(told.map(({ kind, severity }) => [kind, severity]), [["routine.disabled", "alert"]]);
    assert.match(
      told[0]!.text,
      /often failed 3 times in a row and is switched off; the last failure: no disk/,
    );
    assert.equal(worker.scheduler.status().on, 0);
    assert.deepEqual(statuses(await bench.runs()).sort(), ["failed", "failed", "failed", "skipped"]);
    await bench.database.call("actp_switch_routine", { p_id: "often", p_on: true });
    await bench.pass(90);
    assert.equal(ran.length, 4); // and the failures of before do not count any more
  },

  async "a run goes on through a database that cannot be reached, and its end is recorded afterwards"(bench) {
    let reachable = true;
    const { actions } = recorder(() => bench.clock.sleep(20_000));
    const database = {
      ...bench.database,
      call: <T>(...args: Parameters<typeof bench.database.call>) =>
        reachable ? bench.database.call<T>(...args) : Promise.reject(new Error("connection refused")),
    };
    const { scheduler } = bench.worker("a", { routines: [HOURLY], actions, database });
    await bench.pass(3605);
    reachable = false;
    await bench.pass(30);
    assert.match(scheduler.status().error!, /connection refused/);
    reachable = true;
    await bench.pass(30);
    assert.deepEqual(statuses(await bench.runs()), ["succeeded"]);
    assert.equal(scheduler.status().error, null);
  },

  async "when the worker stops, runs may end, and those that do not are cancelled"(bench) {
    const { actions } = recorder(({ id }, { signal }) =>
      id === "quick" ? bench.clock.sleep(5000) : aborted(signal).then(() => signal.throwIfAborted())
    );
    const worker = bench.worker("a", {
      routines: [{ ...HOURLY, id: "quick" }, { ...HOURLY, id: "slow" }],
      actions,
      drainMs: 10_000,
    });
    await bench.pass(3600);
    await worker.stop();
    const ends = (await bench.runs()).map((run) => [run.routine_id, run.status, run.error]).sort();
    assert.deepEqual(ends, [["quick", "succeeded", null], ["slow", "cancelled", "the worker stopped"]]);
  },
});
