import assert from "node:assert/strict";
import fc from "fast-check";
import { Calendar } from "./calendar.ts";
import { countDue, dueTimes, lastDue } from "./due.ts";
import type { Schedule } from "./routine.ts";

const calendar = new Calendar("UTC");
const at = (iso: string) => Date.parse(iso);

function dues(schedule: Schedule, from: string, until: string, anchor = 0): string[] {
  const times = dueTimes(schedule, anchor, calendar);
  const found: string[] = [];
  for (let due = times.next(at(from)); due !== undefined && due <= at(until); due = times.next(due)) {
    found.push(new Date(due).toISOString().replace(".000Z", "Z"));
  }
  return found;
}
const berlin = (cron: string) => ({ cron, timeZone: "Europe/Berlin" });

Deno.test("a time that does not exist is due at the next minute that does", () => {
  assert.deepEqual(dues(berlin("30 2 * * *"), "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), [
    "2026-03-29T01:00:00Z", // 03:00, the minute after 01:59
    "2026-03-30T00:30:00Z",
  ]);
});

Deno.test("all the times in a gap are due together, once", () => {
  assert.deepEqual(dues(berlin("0,20,40 2,3 * * *"), "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z"), [
    "2026-03-29T01:00:00Z",
    "2026-03-29T01:20:00Z",
    "2026-03-29T01:40:00Z",
  ]);
});

Deno.test("a time that happens twice is due the first time only", () => {
  assert.deepEqual(dues(berlin("30 2 * * *"), "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), [
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30:00Z",
  ]);
});

Deno.test("what is due in every hour goes on through the hour that comes again", () => {
  assert.deepEqual(dues(berlin("*/30 * * * *"), "2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z"), [
    "2026-10-25T00:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:00:00Z",
    "2026-10-25T01:30:00Z",
    "2026-10-25T02:00:00Z",
  ]);
});

Deno.test("seconds come first where there are six fields", () => {
  assert.deepEqual(dues({ cron: "*/20 0 9 * * MON-FRI" }, "2026-01-02T09:00:19Z", "2026-01-05T09:00:00Z"), [
    "2026-01-02T09:00:20Z",
    "2026-01-02T09:00:40Z",
    "2026-01-05T09:00:00Z",
  ]);
});

Deno.test("names, macros, the last day and the last Friday are understood", () => {
  const inQuarter = (cron: string) => dues({ cron }, "2026-01-01T00:00:00Z", "2026-03-31T23:59:00Z");
  assert.deepEqual(inQuarter("0 12 L * *"), [
    "2026-01-31T12:00:00Z",
    "2026-02-28T12:00:00Z",
    "2026-03-31T12:00:00Z",
  ]);
  assert.deepEqual(inQuarter("0 12 * feb friL"), ["2026-02-27T12:00:00Z"]);
  assert.deepEqual(inQuarter("@monthly"), ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
  assert.equal(inQuarter("@Weekly").length, 13);
});

Deno.test("an interval counts from its anchor, whatever clocks show and whenever it is asked", () => {
  const schedule = { everySeconds: 7200, anchor: "2026-03-28T22:30:00+01:00" };
  assert.deepEqual(dues(schedule, "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z"), [
    "2026-03-28T23:30:00Z",
    "2026-03-29T01:30:00Z",
    "2026-03-29T03:30:00Z",
  ]);
  assert.deepEqual(dues(schedule, "2026-03-28T10:00:00Z", "2026-03-28T21:30:00Z"), ["2026-03-28T21:30:00Z"]);
  assert.deepEqual(
    dues({ everySeconds: 90 }, "2026-01-01T00:00:00Z", "2026-01-01T00:03:00Z", at("2026-01-01T00:00:00Z")),
    ["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"],
  );
});

Deno.test("once is once", () => {
  const once = { at: "2026-05-01T09:00:00+02:00" };
  assert.deepEqual(dues(once, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"), ["2026-05-01T07:00:00Z"]);
  assert.deepEqual(dues(once, "2026-05-01T07:00:00Z", "2030-01-01T00:00:00Z"), []);
});

Deno.test("what cannot be meant is refused, with the reason", () => {
  const refused = (cron: string, timeZone?: string) => {
    try {
      dueTimes({ cron, timeZone }, 0, calendar);
      return "taken";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(refused("* * * *"), /has 4 fields; it needs 5, or 6/);
  assert.match(refused("0 0 1 1 * * 2027"), /has 7 fields/);
  assert.match(refused("61 * * * *"), /"61 \* \* \* \*" is no cron expression/);
  assert.match(refused("0 0 30 2 *"), /never comes true/);
  assert.match(refused("@reboot"), /is none of @yearly/);
  assert.match(refused("? 0 * * *"), /must not contain "\?"/);
  assert.match(refused("2026-01-01T00:00:00"), /has 1 fields/);
  assert.match(refused("0 0 * * *", "Mars/Olympus"), /Mars\/Olympus/);
});

Deno.test("the last due time is found without walking all of them", () => {
  let asked = 0;
  const everySecond = dueTimes({ cron: "* * * * * *" }, 0, calendar);
  const counted = { next: (after: number) => (asked++, everySecond.next(after)) };
  const until = at("2026-06-01T00:00:00Z") + 999;
  assert.equal(lastDue(counted, 0, until), at("2026-06-01T00:00:00Z"));
  assert.ok(asked < 100, `${asked}`);
  assert.deepEqual(countDue(everySecond, 0, until, 1000), { count: 1000, more: true });
});

Deno.test("the last of few due times is found wherever it lies", () => {
  const daily = dueTimes({ cron: "0 9 * * *" }, 0, calendar);
  fc.assert(fc.property(fc.nat(900 * 86_400), fc.nat(900 * 86_400), (a, b) => {
    const after = at("2026-01-01T00:00:00Z") + Math.min(a, b) * 1000;
    const until = at("2026-01-01T00:00:00Z") + Math.max(a, b) * 1000;
    let last: number | undefined;
    for (let due = daily.next(after); due !== undefined && due <= until; due = daily.next(due)) last = due;
    assert.equal(lastDue(daily, after, until), last);
  }));
});
