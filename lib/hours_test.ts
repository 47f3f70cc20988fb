import assert from "node:assert/strict";
import { endOf, isTimeZone, isWithin, parseHours } from "./hours.ts";

const at = (iso: string) => Date.parse(iso);
const NIGHT = parseHours("22:00-07:00");

Deno.test("hours include their beginning and not their end", () => {
  const day = parseHours("09:00-17:30");
  const inside = (time: string) => isWithin(day, at(`2026-05-01T${time}Z`), "UTC");
  assert.deepEqual(["08:59", "09:00", "17:29", "17:30"].map(inside), [false, true, true, false]);
});

Deno.test("hours may go across midnight", () => {
  const inside = (time: string) => isWithin(NIGHT, at(`2026-05-01T${time}Z`), "UTC");
  assert.deepEqual(["21:59", "22:00", "00:00", "06:59", "07:00"].map(inside), [
    false,
    true,
    true,
    true,
    false,
  ]);
});

Deno.test("hours are those of the clocks on the walls of their time zone", () => {
  assert.equal(isWithin(NIGHT, at("2026-07-01T20:30:00Z"), "Europe/Berlin"), true);
  assert.equal(isWithin(NIGHT, at("2026-01-01T20:30:00Z"), "Europe/Berlin"), false);
  assert.equal(isWithin(NIGHT, at("2026-01-01T16:15:00Z"), "Asia/Kathmandu"), true, "quarter hours");
});

Deno.test("the same time twice is the whole day", () => {
  const always = parseHours("08:00-08:00");
  assert.equal(isWithin(always, at("2026-05-01T07:59:00Z"), "UTC"), true);
  assert.equal(endOf(always, at("2026-05-01T07:59:00Z"), "UTC"), at("2026-05-02T07:59:00Z"));
});

Deno.test("the end is found on either side of midnight, and outside the hours it is now", () => {
  const end = (from: string) => new Date(endOf(NIGHT, at(from), "UTC")).toISOString();
  assert.equal(end("2026-05-01T23:10:20Z"), "2026-05-02T07:00:00.000Z");
  assert.equal(end("2026-05-01T03:00:00Z"), "2026-05-01T07:00:00.000Z");
  assert.equal(end("2026-05-01T12:00:00Z"), "2026-05-01T12:00:00.000Z");
});

Deno.test("the end is right in nights in which the clocks change", () => {
  const end = (from: string) => new Date(endOf(NIGHT, at(from), "Europe/Berlin")).toISOString();
  assert.equal(end("2026-03-28T22:30:00Z"), "2026-03-29T05:00:00.000Z", "07:00 summer time");
  assert.equal(end("2026-10-24T21:30:00Z"), "2026-10-25T06:00:00.000Z", "07:00 winter time");
});

Deno.test("an end that the clocks skip is the next time that exists", () => {
  const hours = parseHours("22:00-02:30");
  const end = endOf(hours, at("2026-03-28T22:30:00Z"), "Europe/Berlin");
  assert.equal(isWithin(hours, end, "Europe/Berlin"), false);
  assert.ok(Math.abs(end - at("2026-03-29T01:30:00Z")) <= 30 * 60_000, new Date(end).toISOString());
});

Deno.test("what is no hours or no time zone is told", () => {
  for (const text of ["", "22-7", "24:00-07:00", "22:60-07:00", "22:00"]) {
    assert.throws(() => parseHours(text), /is not hours like/, text);
  }
  assert.deepEqual([isTimeZone("Europe/Berlin"), isTimeZone("Mars/Olympus")], [true, false]);
});
