import { deepEqual } from "node:assert/strict";
import type { Database } from "../database/database.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { Goals, type HeldGoal, type StopReason } from "./goals.ts";

const never = new AbortController().signal;

Deno.test("a claim that cannot be renewed counts as lost before another may have it", async () => {
  const clock = fakeClock();
  const database = { call: () => Promise.reject(new Error("away")) } as unknown as Database;
  const goals = new Goals(database, "a", "h", clock);
  const stops: StopReason[] = [];
  const keeping = goals.keep({ id: "g", token: "1" } as HeldGoal, (why) => stops.push(why), never);
  await clock.advance(54_000);
  deepEqual(stops, []);
  await clock.advance(6_000);
  deepEqual(stops, ["lost"]);
  await keeping;
});
