/** When something was posted, from what pages and ids tell of it. Pure. */
import type { Platform } from "./input.ts";

/** A time and how exact it is; pages often say only "3 weeks ago". */
export interface PostedAt {
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly precision: "second" | "minute" | "hour" | "day" | "week" | "month" | "year";
}

const MS = {
  second: 1e3,
  minute: 6e4,
  hour: 36e5,
  day: 864e5,
  week: 7 * 864e5,
  month: 30.44 * 864e5,
  year: 365.25 * 864e5,
};
/** Before this nothing was posted on any of the platforms. */
const FIRST_MS = Date.UTC(2005, 0, 1);
/** When Instagram's ids begin to count, in ms (Instagram engineering, "Sharding & IDs at Instagram"). */
const INSTAGRAM_EPOCH_MS = 1_314_220_021_721n;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Seconds or milliseconds since the epoch as a number or in digits, an ISO date, or English such as `3 days ago` and
 * `Streamed 1 year ago`, counted back from `nowMs`; null for everything else and for times that cannot be.
 */
export function parsePosted(value: unknown, nowMs: number): PostedAt | null {
  if (typeof value === "number" || (typeof value === "string" && /^\d{9,13}$/.test(value))) {
    const number = Number(value);
    return timeOf(number < 1e11 ? number * 1e3 : number, "second", nowMs);
  }
  if (typeof value !== "string") return null;
  const text = value.trim().slice(0, 100);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return timeOf(Date.parse(text), "day", nowMs);
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return timeOf(Date.parse(text), "second", nowMs);
  const ago = /(?:^|\s)(\d{1,4})\s+(second|minute|hour|day|week|month|year)s?\s+ago$/i.exec(text);
  if (!ago) return null;
  const precision = ago[2]!.toLowerCase() as PostedAt["precision"];
  return timeOf(nowMs - Number(ago[1]) * MS[precision], precision, nowMs);
}

/** The time that an id itself holds: TikTok's are seconds in the high bits, Instagram's milliseconds. */
export function postedById(platform: Platform, id: string, nowMs: number): PostedAt | null {
  if (platform === "tiktok" && /^\d{15,20}$/.test(id)) {
    return timeOf(Number(BigInt(id) >> 32n) * 1e3, "second", nowMs);
  }
  // Longer codes belong to private posts and carry a key after the id.
  if (platform === "instagram" && /^[\w-]{8,12}$/.test(id)) {
    const number = [...id].reduce((value, char) => value * 64n + BigInt(BASE64URL.indexOf(char)), 0n);
    return timeOf(Number((number >> 23n) + INSTAGRAM_EPOCH_MS), "second", nowMs);
  }
  return null;
}

function timeOf(ms: number, precision: PostedAt["precision"], nowMs: number): PostedAt | null {
  // Clocks differ; what lies further ahead is no time of posting.
  const possible = ms >= FIRST_MS && ms <= nowMs + MS.day;
  return possible ? { at: new Date(ms).toISOString(), precision } : null;
}
