/**
 * Due times over two years in several zones, across every change of their clocks, against a second computation: each
 * minute is looked at, its local time is asked from Intl, and plain conditions say whether it is due.
 */
import assert from "node:assert/strict";
import { Calendar } from "./calendar.ts";
import { dueTimes } from "./due.ts";

const FROM = Date.UTC(2025, 0, 1);
const UNTIL = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;
const DAY_MINUTES = 1440;
/** Zones change their offsets at whole quarters of an hour. */
const QUARTER = 15 * MINUTE;

/** A cron expression in plain words: the minutes of a day, and the days. */
interface Pattern {
  readonly cron: string;
  readonly minutes: (hour: number, minute: number) => boolean;
  readonly days?: (local: Date) => boolean;
  readonly everyHour?: true;
}

const PATTERNS: readonly Pattern[] = [
  { cron: "0 6 * * *", minutes: (h, m) => h === 6 && m === 0 },
  { cron: "30 2 * * *", minutes: (h, m) => h === 2 && m === 30 },
  { cron: "15,45 0-3 * * *", minutes: (h, m) => h <= 3 && (m === 15 || m === 45) },
  { cron: "0 20 * * SUN", minutes: (h, m) => h === 20 && m === 0, days: (d) => d.getUTCDay() === 0 },
  { cron: "0 */2 * * *", minutes: (h, m) => h % 2 === 0 && m === 0 },
  { cron: "59 23 L * *", minutes: (h, m) => h === 23 && m === 59, days: (d) => lastOfMonth(d) },
  { cron: "* 2 * * 0", minutes: (h) => h === 2, days: (d) => d.getUTCDay() === 0 },
  { cron: "*/15 * * * *", minutes: (_, m) => m % 15 === 0, everyHour: true },
  { cron: "30 * * * *", minutes: (_, m) => m === 30, everyHour: true },
  {
    cron: "7 * 1-7 3,4,10,11 *",
    minutes: (_, m) => m === 7,
    days: (d) => d.getUTCDate() <= 7 && [2, 3, 9, 10].includes(d.getUTCMonth()),
    everyHour: true,
  },
];

/** And whether their clocks change. */
const ZONES = {
  "UTC": false,
  "Europe/Berlin": true,
  "America/New_York": true,
  "America/Havana": true, // back at 01:00, to the midnight of the same day
  "Africa/Cairo": true, // back at midnight, into the day before
  "Africa/Casablanca": true, // around Ramadan
  "Australia/Lord_Howe": true, // by half an hour
  "Asia/Kolkata": false,
  "Pacific/Chatham": true,
};

function lastOfMonth(local: Date): boolean {
  return new Date(local.getTime() + 86_400_000).getUTCDate() === 1;
}

/** The offset of each quarter of an hour, asked by its date and time of day. */
function offsets(zone: string): number[] {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const offsetAt = (instant: number) => {
    const [month, day, year, hour, minute] = format.format(instant).match(/\d+/g)!.map(Number);
    return Date.UTC(year!, month! - 1, day, hour, minute) - instant;
  };
  const found: number[] = [];
  let first = offsetAt(FROM - QUARTER);
  // No zone changes twice within an hour: where its ends are the same, so is what lies between.
  for (let hour = FROM - QUARTER; hour < UNTIL; hour += 4 * QUARTER) {
    const last = offsetAt(hour + 4 * QUARTER);
    for (const at of [0, 1, 2, 3]) {
      if (hour + at * QUARTER >= UNTIL) break;
      found.push(at === 0 || first === last ? first : offsetAt(hour + at * QUARTER));
    }
    first = last;
  }
  return found;
}

function bruteForce(pattern: Pattern, offsetOf: readonly number[]): number[] {
  const due = new Set<number>();
  const minutes = Array.from(
    { length: DAY_MINUTES },
    (_, minute) => pattern.minutes(Math.floor(minute / 60), minute % 60),
  );
  const matches = (wall: number) =>
    minutes[Math.floor(wall / MINUTE) % DAY_MINUTES]! && (pattern.days?.(new Date(wall)) ?? true);
  /** Whether any minute of a quarter of the day may be due. */
  const quarters = Array.from(
    { length: DAY_MINUTES / 15 },
    (_, quarter) => minutes.slice(quarter * 15, quarter * 15 + 15).includes(true),
  );
  const mayMatch = (wall: number) => quarters[Math.floor(wall / QUARTER) % quarters.length]!;
  /** Up to where local times have been shown before. */
  let shown = -Infinity;
  for (let index = 1; index < offsetOf.length; index++) {
    const start = FROM + (index - 1) * QUARTER;
    const offset = offsetOf[index]!;
    const before = offsetOf[index - 1]!;
    if (offset < before) shown = start + before;
    for (let wall = start + before; wall < start + offset; wall += MINUTE) {
      if (matches(wall)) due.add(start); // no clock shows it
    }
    if (!mayMatch(start + offset)) continue;
    for (let instant = start; instant < start + QUARTER; instant += MINUTE) {
      const again = instant + offset < shown;
      if (matches(instant + offset) && (!again || pattern.everyHour)) due.add(instant);
    }
  }
  return [...due].sort((a, b) => a - b);
}

const calendar = new Calendar("UTC");

for (const [zone, changes] of Object.entries(ZONES)) {
  Deno.test(`two years of due times in ${zone} are those of a minute-by-minute count`, () => {
    const offsetOf = offsets(zone);
    const changed = offsetOf.filter((offset, index) => index > 0 && offset !== offsetOf[index - 1]).length;
    assert.ok(changes ? changed >= 4 : changed === 0, `${changed} changes`);
    for (const pattern of PATTERNS) {
      const times = dueTimes({ cron: pattern.cron, timeZone: zone }, 0, calendar);
      const found: number[] = [];
      for (let due = times.next(FROM - 1)!; due < UNTIL; due = times.next(due)!) found.push(due);
      const wanted = bruteForce(pattern, offsetOf);
      const wrong = wanted.findIndex((due, index) => due !== found[index]);
      const shown = (due?: number) => due === undefined ? "none" : new Date(due).toISOString();
      assert.equal(wrong, -1, `${pattern.cron}: ${shown(found[wrong])} in place of ${shown(wanted[wrong])}`);
      assert.equal(found.length, wanted.length, pattern.cron);
    }
  });
}
