/**
 * A day with three workers on one database, whose clocks differ, two of which are killed on the way and come back later:
 * every due time fires once, on one of them.
 */
import assert from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { needs } from "../testing/requirements.ts";
import { routine, scheduleBench } from "../testing/schedule_bench.ts";
import type { Actions, Routine } from "./routine.ts";

const START = "2026-03-28T12:00:00Z"; // the clocks of Berlin are set forward in the night
const HOURS = 24;
const MINUTE = 60_000;

const ROUTINES: readonly Routine[] = [
  routine({ id: "quarter", schedule: { cron: "*/15 * * * *" }, overlap: "queue" }),
  routine({ id: "night", schedule: { cron: "30 2 * * *", timeZone: "Europe/Berlin" } }),
  routine({ id: "often", schedule: { everySeconds: 420 }, overlap: "queue" }),
  routine({ id: "evening", schedule: { cron: "0 20 * * SAT", timeZone: "America/New_York" } }),
  routine({ id: "once", schedule: { at: "2026-03-29T03:33:00Z" } }),
];

/** The due times of the day, counted by hand. */
function dueTimes(): string[] {
  const start = Date.parse(START);
  const times = (everyMinutes: number) =>
    Array.from(
      { length: Math.floor(HOURS * 60 / everyMinutes) },
      (_, index) => start + (index + 1) * everyMinutes * MINUTE,
    );
  const due = (id: string, instants: readonly number[]) =>
    instants.map((instant) => `${id} ${new Date(instant).toISOString()}`);
  return [
    ...due("quarter", times(15)),
    ...due("often", times(7)),
    "night 2026-03-29T01:00:00.000Z", // 02:30 does not exist
    "evening 2026-03-29T00:00:00.000Z",
    "once 2026-03-29T03:33:00.000Z",
  ].sort();
}

Deno.test({
  name: "of a day with three workers, two of which are killed, no firing is lost or doubled",
  ...await needs("postgres"),
  async fn() {
    await using _log = capturedLog();
    await using bench = await scheduleBench(START);
    const fired: string[] = [];
    const by = new Map<string, number>();
    const worker = (id: string, skewMs: number) => {
      const actions: Actions = {
        async task({ id: routineId }, { dueAt, signal }) {
          fired.push(`${routineId} ${dueAt.toISOString()}`);
          by.set(id, (by.get(id) ?? 0) + 1);
          await bench.clock.sleep(30_000, signal);
        },
      };
      return bench.worker(id, { routines: ROUTINES, actions }, skewMs);
    };
    const a = worker("a", 0);
    await bench.settle();
    const b = worker("b", 11 * MINUTE);
    worker("c", -47 * MINUTE);
    const hours = (count: number) => bench.pass(count * 3600);
    await hours(6.0025); // 9 s after a due time: what runs is lost, and not repeated
    a.cut();
    await hours(5);
    b.cut();
    await hours(6);
    await a.stop();
    worker("a", 3 * 60 * MINUTE);
    await hours(HOURS - 17.0025 - 1 / 60);
    await bench.pass(90);
    assert.deepEqual(fired.sort(), dueTimes());
    assert.ok([...by.values()].every((count) => count > 20) && by.size === 3, JSON.stringify([...by]));
    const runs = [
      ...await bench.database.call<{ id: string; routine_id: string; due_at: string; status: string }[]>(
        "actp_list_routine_runs",
        { p_limit: 500 },
      ),
    ];
    const recorded = runs.map(({ routine_id, due_at }) => `${routine_id} ${new Date(due_at).toISOString()}`);
    assert.deepEqual(recorded.sort(), dueTimes());
    const lost = runs.filter(({ status }) => status === "lost").length;
    assert.ok(
      runs.every(({ status }) => status === "succeeded" || status === "lost") && lost <= 4,
      `${lost} lost`,
    );
  },
});
