/**
 * Local times and the instants at which they happen. A local time ("wall") is the ms since the epoch that a clock on UTC
 * would show with the same date and time of day. Pure.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Zones change their offset at most once in so long. */
const APART_MS = DAY_MS;
/** Days whose offsets are remembered. */
const MAX_DAYS = 1000;
const OFFSET = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/;

/** A time zone. */
export interface Zone {
  readonly name: string;
  /** What to add to an instant (ms since the epoch) for its local time, in ms. */
  offsetAt(instant: number): number;
}

/** Finds zones by their IANA names; each is made once. @throws RangeError for a name that this machine does not know */
export type Zones = (name: string) => Zone;

/** A finder of its own: formatters take memory, so those who need many zones share one. */
export function zoneFinder(): Zones {
  const known = new Map<string, Zone>();
  return (name) => {
    let zone = known.get(name);
    if (!zone) known.set(name, zone = makeZone(name));
    return zone;
  };
}

/** The zone that this machine is set to. */
export function machineZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The instants at which clocks in the zone show the local time, earliest first: one; none in a gap; two in an overlap. */
export function instantsOf(zone: Zone, wall: number): number[] {
  const offsets = new Set([zone.offsetAt(wall - APART_MS), zone.offsetAt(wall + APART_MS)]);
  return [...offsets].map((offset) => wall - offset)
    .filter((instant) => instant + zone.offsetAt(instant) === wall)
    .sort((a, b) => a - b);
}

/** The instant at which clocks in the zone leap over the local time, which must be in such a gap. */
export function endOfGap(zone: Zone, wall: number): number {
  const before = zone.offsetAt(wall - APART_MS);
  const after = zone.offsetAt(wall + APART_MS);
  return transition(zone, wall - Math.max(before, after), wall - Math.min(before, after));
}

/** The first instant after `from` whose offset differs from that at `from`; there must be one at or before `until`. */
export function transition(zone: Zone, from: number, until: number): number {
  const old = zone.offsetAt(from);
  let low = from;
  let high = until;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle) === old) low = middle;
    else high = middle;
  }
  return high;
}

function makeZone(name: string): Zone {
  if (name === "UTC") return { name, offsetAt: () => 0 };
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  const ask = (instant: number) => offsetIn(format.format(instant));
  /** The offset at the beginning of a UTC day: on most days it is that of the whole day. */
  const days = new Map<number, number>();
  const onDay = (day: number) => {
    let offset = days.get(day);
    if (offset === undefined) {
      if (days.size === MAX_DAYS) days.clear();
      days.set(day, offset = ask(day * DAY_MS));
    }
    return offset;
  };
  return {
    name,
    offsetAt(instant) {
      const day = Math.floor(instant / DAY_MS);
      const offset = onDay(day);
      return offset === onDay(day + 1) ? offset : ask(instant);
    },
  };
}

/** The offset in ms at the end of a text like `3/29/2026, GMT+02:00`. */
function offsetIn(text: string): number {
  const found = OFFSET.exec(text);
  if (!found) return 0; // "GMT" and nothing behind it
  const [, sign, hours, minutes, seconds = "0"] = found;
  const size = Number(hours) * HOUR_MS + Number(minutes) * 60_000 + Number(seconds) * 1000;
  return sign === "-" ? -size : size;
}
