import assert from "node:assert/strict";
import { alertsOf, type AlertSources, type Attention } from "./alerts.ts";

const NOW = "2026-11-20T18:00:00.000Z";
const QUIET: Attention = {
  tasks: { count: 0, newest: [] },
  notifications: { count: 0, newest: [] },
  routines: [],
  approvals: { count: 0, oldest_at: null },
};
const NOTHING: AlertSources = {
  reasons: [],
  attention: QUIET,
  agents: [],
  spending: spending({}),
  since: () => NOW,
};

function spending(
  given: { today?: number | null; day?: number | null; all?: number | null; month?: number | null },
) {
  const { today = null, day = null, all = null, month = null } = given;
  return {
    monthUsd: all,
    of: () => ({ cost_today_usd: today, budget_day_usd: day, cost_month_usd: null, budget_month_usd: month }),
  };
}
const told = (sources: Partial<AlertSources>) =>
  alertsOf({ ...NOTHING, ...sources }).map(({ severity, id, message }) => `${severity} ${id}: ${message}`);

Deno.test("when all is well there is nothing to tell, also while the database is away", () => {
  assert.deepEqual(told({}), []);
  assert.deepEqual(told({ attention: undefined }), []);
});

Deno.test("every reason why not all is well is an alert of its own, with what to do", () => {
  const alerts = alertsOf({
    ...NOTHING,
    reasons: [
      {
        code: "agent_crashed",
        subject: "content-agent",
        severity: "degraded",
        message: "it has crashed",
        fix: "look",
      },
      { code: "low_disk", severity: "critical", message: "not claiming" },
    ],
  });
  assert.deepEqual(alerts.map(({ id, severity, details }) => [id, severity, details]), [
    ["low_disk", "critical", {}],
    ["agent_crashed:content-agent", "warning", { fix: "look" }],
  ]);
});

Deno.test("what waits in the database for a person is told with how much it is", () => {
  assert.deepEqual(
    told({
      attention: {
        tasks: { count: 1, newest: [{ at: "2026-11-20T17:00:00Z" }] },
        notifications: { count: 100, newest: [{ at: "2026-11-20T16:00:00Z" }] },
        routines: [{ id: "daily", reason: "5 failures in a row", at: "2026-11-20T15:00:00Z" }],
        approvals: { count: 2, oldest_at: "2026-11-20T14:00:00Z" },
      },
    }),
    [
      "warning dead_tasks: 1 task has failed for good within a day",
      "warning notifications_failed: 100 or more notifications could not be sent within a day",
      "warning routine_off:daily: the routine daily is switched off: 5 failures in a row",
      "info approvals_open: 2 acts wait for a person's word",
    ],
  );
});

Deno.test("agents that have spent what they may are told, those with no limit or no figures are not", () => {
  const agents = [{ agent_id: "content-agent" }];
  assert.deepEqual(
    told({ agents, spending: spending({ today: 5, day: 5, all: 400.5, month: 400 }) }).map((line) =>
      line.split(":")[0]
    ),
    [
      "warning budget_spent",
      "warning agent_over_budget",
    ],
  );
  assert.deepEqual(told({ agents, spending: spending({ today: 5, all: 399, month: 400 }) }), []);
  assert.deepEqual(told({ agents, spending: spending({ day: 5, month: 400 }) }), []);
});
