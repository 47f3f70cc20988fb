import assert from "node:assert/strict";
import { type RoutineRow, scheduleText, viewRoutines } from "./view.ts";
import { routine } from "../testing/schedule_bench.ts";

const ROW: RoutineRow = {
  ...routine({ id: "hourly", schedule: { cron: "0 * * * *", timeZone: "UTC" } }),
  now: "2026-03-02T08:10:00+00:00",
  anchor: "2026-03-02T08:00:00+00:00",
  handled_until: "2026-03-02T08:00:00+00:00",
  workers: ["a"],
  configured_on: true,
  switched: null,
  switched_by: null,
  switched_reason: null,
  failures: 0,
  rests_until: null,
  counts: { runs: 0, failed: 0, missed: 0, skipped: 0 },
  open_runs: [],
  last_run: null,
};
const view = (row: Partial<RoutineRow>) => {
  const [{ state, next_run_time }] = viewRoutines([{ ...ROW, ...row }]) as [
    ReturnType<typeof viewRoutines>[0],
  ];
  return [state, next_run_time];
};

Deno.test("a routine that is on shows when it fires next, seen from now", () => {
  assert.deepEqual(view({}), ["on", "2026-03-02T09:00:00.000Z"]);
  assert.deepEqual(view({ handled_until: "2026-03-02T05:00:00+00:00" }), ["on", "2026-03-02T09:00:00.000Z"]);
  assert.deepEqual(view({ schedule: { everySeconds: 420 } }), ["on", "2026-03-02T08:14:00.000Z"]);
  assert.deepEqual(view({ schedule: { at: "2026-03-01T00:00:00Z" } }), ["on", null]);
});

Deno.test("one that is off, or that no living worker has, does not fire", () => {
  assert.deepEqual(view({ configured_on: false }), ["off", null]);
  assert.deepEqual(view({ switched: false }), ["off", null]);
  assert.deepEqual(view({ switched: true, configured_on: false })[0], "on");
  assert.deepEqual(view({ workers: [] }), ["nowhere", null]);
});

Deno.test("a schedule is told in a few words", () => {
  assert.deepEqual(
    [{ cron: "@daily", timeZone: "Asia/Tokyo" }, { everySeconds: 90 }, { at: "2026-03-01T00:00:00Z" }]
      .map((schedule) => scheduleText({ schedule })),
    ["@daily Asia/Tokyo", "every 90 s", "at 2026-03-01T00:00:00Z"],
  );
});
