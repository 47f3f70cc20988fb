/** Hours of the day in a time zone, also across midnight: active hours, quiet hours. Pure. */

/** From `from` up to and not including `to`, in minutes after midnight; the same twice is the whole day. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** What {@link parseHours} takes. */
export const HOURS_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)$/;

const DAY = 1440;
const MINUTE_MS = 60_000;

/** Reads `22:00-07:00`. @throws Error for anything else */
export function parseHours(text: string): Hours {
  const found = HOURS_PATTERN.exec(text.trim());
  if (!found) throw new Error(`"${text.slice(0, 40)}" is not hours like 22:00-07:00`);
  const [, fromHour, fromMinute, toHour, toMinute] = found.map(Number);
  return { from: fromHour! * 60 + fromMinute!, to: toHour! * 60 + toMinute! };
}

/** Whether a moment (ms since the epoch) lies within the hours. `timeZone`: an IANA name; the machine's unless given. */
export function isWithin({ from, to }: Hours, at: number, timeZone?: string): boolean {
  const minute = minuteOfDay(at, timeZone);
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** When the hours that `at` lies in end, in ms since the epoch; `at` itself when it lies in none. */
export function endOf(hours: Hours, at: number, timeZone?: string): number {
  if (!isWithin(hours, at, timeZone)) return at;
  if (hours.from === hours.to) return at + DAY * MINUTE_MS; // they never end: look again in a day
  const wait = (hours.to - minuteOfDay(at, timeZone) + DAY) % DAY;
  const guess = Math.floor(at / MINUTE_MS) * MINUTE_MS + wait * MINUTE_MS;
  // The clocks may change in between.
  const late = (minuteOfDay(guess, timeZone) - hours.to + DAY + DAY / 2) % DAY - DAY / 2;
  const end = guess - late * MINUTE_MS;
  return end > at && !isWithin(hours, end, timeZone) ? end : guess;
}

/** Whether this machine knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function minuteOfDay(at: number, timeZone: string | undefined): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const number = (type: "hour" | "minute") => Number(parts.find((part) => part.type === type)?.value);
  return number("hour") * 60 + number("minute");
}
