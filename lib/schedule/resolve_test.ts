import assert from "node:assert/strict";
import { agentRoutines } from "./agent_routines.ts";
import { resolveRoutines } from "./resolve.ts";

const AGENT = {
  id: "content-agent",
  routines: [{
    id: "content.daily-pipeline",
    description: "the day's content",
    cron: "0 6 * * *",
    goal: "run the daily pipeline",
    enabled: true,
  }],
};
const builtIn = agentRoutines([AGENT]);
type Settings = Parameters<typeof resolveRoutines>[0]["settings"];
const resolve = (...settings: Settings) => resolveRoutines({ builtIn, settings, timeZone: "Europe/Berlin" });

Deno.test("an agent's routines put its goals before it, in the schedule's zone", () => {
  const { routines: [routine], problems } = resolve();
  assert.deepEqual(problems, []);
  assert.deepEqual([routine!.schedule, routine!.action, routine!.enabled], [
    { cron: "0 6 * * *", timeZone: "Europe/Berlin" },
    { kind: "goal", agent: "content-agent", goal: "run the daily pipeline" },
    true,
  ]);
});

Deno.test("a built-in routine can be moved, changed and switched off, and keeps the rest", () => {
  const [moved] =
    resolve({ id: "content.daily-pipeline", timeZone: "Asia/Tokyo", overlap: "cancel" }).routines;
  assert.deepEqual([moved!.schedule, moved!.overlap], [
    { cron: "0 6 * * *", timeZone: "Asia/Tokyo" },
    "cancel",
  ]);
  const [other] = resolve({ id: "content.daily-pipeline", everySeconds: 60, enabled: false }).routines;
  assert.deepEqual([other!.schedule, other!.enabled], [{ everySeconds: 60 }, false]);
  assert.equal(other!.description, "the day's content");
});

Deno.test("routines of one's own are added with the usual settings", () => {
  const { routines } = resolve({ id: "mine", at: "2026-05-01T09:00:00Z", task: "echo" });
  assert.deepEqual(routines[1], {
    id: "mine",
    description: "",
    schedule: { at: "2026-05-01T09:00:00Z" },
    action: { kind: "task", task_type: "echo", input: {} },
    missed: "once",
    missedWindowSeconds: 14_400,
    overlap: "skip",
    timeoutSeconds: 3600,
    maxFailures: 5,
    enabled: true,
  });
});

Deno.test("what is neither built in nor whole is left out and said; that of an agent that is off waits", () => {
  const { routines, problems } = resolve({ id: "content.dialy-pipeline", enabled: false }, {
    id: "mine",
    cron: "@daily",
  });
  assert.equal(routines.length, 1);
  assert.match(
    problems[0]!,
    /^the routine content.dialy-pipeline is none of the built-in ones and lacks a sche/,
  );
  assert.match(problems[1]!, /^the routine mine is none of the built-in ones and lacks an action/);
  const off = resolveRoutines({
    builtIn: [],
    absent: ["content.daily-pipeline"],
    settings: [{ id: "content.daily-pipeline", cron: "0 7 * * *" }],
    timeZone: "UTC",
  });
  assert.deepEqual(off, { routines: [], problems: [] });
});

Deno.test("a built-in routine with a bad expression is left out and said, and the others are not disturbed", () => {
  const bad = { ...builtIn[0]!, id: "bad", schedule: { cron: "at nine" } };
  const { routines, problems } = resolveRoutines({
    builtIn: [bad, ...builtIn],
    settings: [],
    timeZone: "UTC",
  });
  assert.deepEqual(routines.map(({ id }) => id), ["content.daily-pipeline"]);
  assert.match(problems[0]!, /^the routine bad cannot fire: "at nine" has 2 fields/);
});
