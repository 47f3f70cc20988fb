import assert from "node:assert/strict";
import { Calendar } from "./calendar.ts";
import { dueTimes } from "./due.ts";
import { decideDue } from "./missed.ts";

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);
const hourly = dueTimes({ cron: "0 * * * *" }, 0, new Calendar("UTC"));
const once = { missed: "once", missedWindowSeconds: 1800 } as const;
const decide = (handled: string, now: string, policy: Parameters<typeof decideDue>[3] = once) =>
  decideDue(hourly, at(handled), at(now), policy);

Deno.test("nothing is decided before it is due", () => {
  assert.equal(decide("08:00:00", "08:59:59.999"), undefined);
});

Deno.test("what is due fires, also a little late, whatever becomes of missed runs", () => {
  const fires = { until: at("09:00:00"), fire: true };
  assert.deepEqual(decide("08:00:00", "09:00:00"), fires);
  assert.deepEqual(decide("08:00:00", "09:01:00", { ...once, missed: "skip" }), fires);
});

Deno.test("a missed run is made up for within its window", () => {
  assert.deepEqual(decide("08:00:00", "09:30:00"), { until: at("09:00:00"), fire: true });
  const one = { count: 1, more: false, first: at("09:00:00"), last: at("09:00:00") };
  assert.deepEqual(decide("08:00:00", "09:30:01"), { until: at("09:00:00"), fire: false, missed: one });
  assert.deepEqual(decide("08:00:00", "09:10:00", { ...once, missed: "skip" }), {
    until: at("09:00:00"),
    fire: false,
    missed: one,
  });
});

Deno.test("of many only the last can fire; the others are counted as missed", () => {
  assert.deepEqual(decide("08:00:00", "12:00:05"), {
    until: at("12:00:00"),
    fire: true,
    missed: { count: 3, more: false, first: at("09:00:00"), last: at("11:00:00") },
  });
});

Deno.test("a count of very many ends somewhere", () => {
  const everySecond = dueTimes({ everySeconds: 1 }, 0, new Calendar("UTC"));
  const decision = decideDue(everySecond, at("00:00:00"), at("12:00:00"), once)!;
  assert.deepEqual([decision.missed?.count, decision.missed?.more], [10_000, true]);
});
