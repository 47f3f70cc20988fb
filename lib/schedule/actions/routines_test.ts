import assert from "node:assert/strict";
import { heartbeat } from "../../config/notify_rules.ts";
import { BUILT_IN_ACTIONS } from "./builtin.ts";
import { heartbeatRoutines } from "./routines.ts";

const cronsOf = (settings: unknown) =>
  heartbeatRoutines(heartbeat.parse(settings), BUILT_IN_ACTIONS).routines.map(({ id, schedule, enabled }) =>
    [id, "cron" in schedule && schedule.cron, enabled] as const
  );

Deno.test("without settings every action runs by its own schedule", () => {
  assert.deepEqual(cronsOf({}), [
    ["heartbeat.task-scan", "*/5 * * * *", true],
    ["heartbeat.daily-summary", "0 9 * * *", true],
    ["heartbeat.portfolio-monitor", "0 * * * *", true],
  ]);
});

Deno.test("settings change the schedule, the zone, the hours and the options of one", () => {
  const actions = [
    {
      name: "task-scan",
      schedule: "*/10 * * * *",
      timeZone: "Europe/Berlin",
      activeHours: "08:00-20:00",
      config: { minReward: 100000000 },
    },
    { name: "daily-summary", enabled: false },
  ];
  assert.deepEqual(cronsOf({ actions }).slice(0, 2), [
    ["heartbeat.task-scan", "*/10 * * * *", true],
    ["heartbeat.daily-summary", "0 9 * * *", false],
  ]);
  const [scan] = heartbeatRoutines(heartbeat.parse({ actions }), BUILT_IN_ACTIONS).routines;
  assert.deepEqual(scan!.schedule, { cron: "*/10 * * * *", timeZone: "Europe/Berlin" });
  assert.deepEqual(scan!.action, {
    kind: "heartbeat",
    action: "task-scan",
    options: { activeHours: "08:00-20:00", timeZone: "Europe/Berlin", config: { minReward: 100000000 } },
  });
});

Deno.test("all are off where heartbeats are, and what is configured and not there is told", () => {
  assert.deepEqual(cronsOf({ enabled: false }).map(([, , enabled]) => enabled), [false, false, false]);
  const settings = heartbeat.parse({ actions: [{ name: "tsk-scan" }] });
  assert.deepEqual(heartbeatRoutines(settings, BUILT_IN_ACTIONS).unknown, ["tsk-scan"]);
});
