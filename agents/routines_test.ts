import assert from "node:assert/strict";
import { agentRoutines } from "../lib/schedule/agent_routines.ts";
import { Scheduler } from "../lib/schedule/scheduler.ts";
import { fakeClock } from "../lib/testing/fake_clock.ts";
import { builtInAgents } from "./index.ts";

/** The six routines of the agents are in the scheduler, and switched on. */
Deno.test("test_daily_routine_jobs_registered", () => {
  const routines = agentRoutines(builtInAgents);
  const on = routines.filter(({ enabled }) => enabled).map(({ id, schedule, action }) => {
    assert.ok("cron" in schedule && action.kind === "goal");
    return [schedule.cron, action.agent, id];
  });
  assert.deepEqual(on.toSorted(), [
    ["0 11,15 * * *", "acquisition-agent", "acquisition.daily-prospecting"],
    ["0 20 * * 0", "revenue-agent", "revenue.weekly-report"],
    ["0 23 * * *", "revenue-agent", "revenue.cost-audit"],
    ["0 6 * * *", "content-agent", "content.daily-pipeline"],
    ["0 8 * * *", "revenue-agent", "revenue.daily-check"],
    ["0 9 * * *", "acquisition-agent", "acquisition.pipeline-advance"],
  ]);
  const scheduler = new Scheduler({
    database: {
      description: "none",
      call: () => Promise.reject(new Error("nobody asks")),
      close: () => Promise.resolve(),
    },
    workerId: "w",
    clock: fakeClock(),
    routines,
    actions: {},
    timeZone: "UTC",
    drainMs: 0,
  });
  const { routines: known, on: switchedOn } = scheduler.status();
  assert.deepEqual([known, switchedOn], [8, 6]);
});
