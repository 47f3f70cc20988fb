import assert from "node:assert/strict";
import { routine } from "../testing/schedule_bench.ts";
import { configuredRoutines, scheduleZone } from "./configured.ts";

const agent = (id: string) => ({
  id,
  routines: [{ id: `${id}.daily`, description: "", cron: "0 6 * * *", goal: "work", enabled: true }],
});
const agents = [agent("content"), agent("revenue")];
const heartbeats = [routine({ id: "heartbeat.task-scan", schedule: { cron: "*/5 * * * *" } })];
const config = { routines: [], scheduleTimeZone: "Asia/Tokyo" };

Deno.test("an agent's routines are there only where the agent runs", () => {
  const ids = (runs: (id: string) => boolean) =>
    configuredRoutines(config, { agents, runs, heartbeats }).routines.map(({ id }) => id);
  assert.deepEqual(ids(() => false), ["heartbeat.task-scan"]);
  assert.deepEqual(ids((id) => id === "content"), ["content.daily", "heartbeat.task-scan"]);
});

Deno.test("settings for the routine of an agent that does not run here are no problem", () => {
  const given = { ...config, routines: [{ id: "revenue.daily", enabled: false }, { id: "nobody.daily" }] };
  const { problems } = configuredRoutines(given, { agents, runs: () => false, heartbeats });
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /nobody.daily/);
});

Deno.test("routines that name no zone are in that of the schedule, or else of the machine", () => {
  const { routines } = configuredRoutines(config, { agents, runs: () => true, heartbeats: [] });
  assert.deepEqual(routines[0]!.schedule, { cron: "0 6 * * *", timeZone: "Asia/Tokyo" });
  assert.equal(
    scheduleZone({ scheduleTimeZone: undefined }),
    Intl.DateTimeFormat().resolvedOptions().timeZone,
  );
});
