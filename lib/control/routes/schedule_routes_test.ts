import assert from "node:assert/strict";
import { answerError } from "../api_error.ts";
import { scheduleRoutes } from "./schedule_routes.ts";

const ROW = {
  id: "hourly",
  schedule: { cron: "0 * * * *", timeZone: "UTC" },
  now: "2026-03-02T08:10:00+00:00",
  anchor: "2026-03-02T08:00:00+00:00",
  handled_until: "2026-03-02T08:00:00+00:00",
  workers: ["a"],
  configured_on: true,
  switched: null,
};
const RUN = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

function setUp(result: unknown) {
  const calls: [string, Record<string, unknown>][] = [];
  let woken = 0;
  const app = scheduleRoutes({
    description: "a database",
    call: <T>(fn: string, args: Record<string, unknown> = {}) => {
      calls.push([fn, args]);
      return Promise.resolve(result as T);
    },
    close: () => Promise.resolve(),
  }, { status: () => ({ alive: true }), wake: () => woken++ });
  app.onError(answerError);
  const post = (path: string, body?: unknown) =>
    app.request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  return { app, calls, post, woken: () => woken };
}

Deno.test("routines are listed with their next times, by a call that changes nothing", async () => {
  const { app, calls } = setUp([ROW]);
  const { jobs, scheduler } = await (await app.request("/scheduler/jobs")).json();
  assert.deepEqual([jobs[0].id, jobs[0].state, jobs[0].next_run_time, scheduler.alive], [
    "hourly",
    "on",
    "2026-03-02T09:00:00.000Z",
    true,
  ]);
  assert.equal((await (await app.request("/scheduler/jobs/hourly")).json()).id, "hourly");
  assert.deepEqual(calls.map(([fn]) => fn), ["actp_list_routines", "actp_list_routines"]);
});

Deno.test("running one now and switching one wakes the scheduler", async () => {
  const { post, calls, woken } = setUp(ROW);
  assert.equal((await post("/scheduler/jobs/hourly/run")).status, 202);
  assert.equal((await post("/scheduler/jobs/hourly/disable", { reason: "holidays" })).status, 200);
  assert.equal((await post("/scheduler/jobs/hourly/enable", {})).status, 200);
  assert.deepEqual(calls, [
    ["actp_run_routine", { p_id: "hourly", p_by: "control API" }],
    ["actp_switch_routine", { p_id: "hourly", p_on: false, p_by: "control API", p_reason: "holidays" }],
    ["actp_switch_routine", { p_id: "hourly", p_on: true, p_by: "control API", p_reason: null }],
  ]);
  assert.equal(woken(), 3);
});

Deno.test("the history is filtered and paged", async () => {
  const { app, calls } = setUp([]);
  await app.request(`/scheduler/jobs/hourly/history?status=missed&limit=7&before=${RUN}`);
  await app.request("/scheduler/history");
  assert.deepEqual(calls.map(([, args]) => args), [
    { p_routine_id: "hourly", p_status: "missed", p_limit: 7, p_before: RUN },
    { p_routine_id: null, p_status: null, p_limit: 50, p_before: null },
  ]);
});

Deno.test("what cannot be meant is refused before the database is asked", async () => {
  const { app, post, calls } = setUp([]);
  const refused = [
    await app.request("/scheduler/history?status=maybe"),
    await app.request("/scheduler/history?limit=0"),
    await app.request("/scheduler/runs/7"),
    await post("/scheduler/jobs/hourly/disable", { reason: 7 }),
    await post("/scheduler/jobs/A%20b/run"),
  ];
  assert.deepEqual(refused.map(({ status }) => status), [400, 400, 400, 400, 404]);
  assert.equal((await post("/scheduler/jobs/hourly/maybe", {})).status, 404);
  assert.deepEqual(calls, []);
});

Deno.test("a routine that is not there is a 404", async () => {
  assert.equal((await setUp([]).app.request("/scheduler/jobs/none")).status, 404);
});
