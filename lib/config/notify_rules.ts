/** The structured settings of notifications and heartbeat actions: their shape in config.json. */
import { z } from "zod";
import { HOURS_PATTERN, isTimeZone } from "../hours.ts";

/** The channels that there are. */
export const CHANNEL_NAMES = ["log", "telegram", "slack", "discord", "webhook", "email", "desktop"] as const;

/** One of them. */
export type ChannelName = typeof CHANNEL_NAMES[number];

/** `22:00-07:00` */
export const hours = z.string("must be hours like 22:00-07:00").trim().regex(
  HOURS_PATTERN,
  "must be hours like 22:00-07:00",
);

/** An IANA name. */
export const timeZone = z.string("must be a time zone").max(64, "is too long").refine(
  isTimeZone,
  "must be a time zone like Europe/Berlin",
);

const severity = z.enum(["info", "warning", "alert"], "must be info, warning or alert");
const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes");

/** One rule: what it says of the channels it names holds for the notifications that it matches. */
const rule = z.strictObject({
  /** Kinds, or their beginning followed by `*`. */
  kinds: z.array(z.string().regex(/^[^*\s]{0,99}\*?$/, "must be a kind, or its beginning followed by *")).min(
    1,
  ).max(100)
    .default(["*"]),
  minSeverity: severity.default("info"),
  channels: z.array(z.enum(CHANNEL_NAMES, `must be one of ${CHANNEL_NAMES.join(", ")}`)).max(7),
  /** In these hours nothing is sent; what comes is sent at their end. */
  quietHours: hours.optional(),
  /** From this severity on quiet hours do not count. */
  breakThrough: severity.optional(),
  /** Sent together at most so often; 0 sends at once. */
  digestMinutes: z.number().min(0).max(1440).default(0),
  /** The same again within this time is not sent again. */
  dedupeMinutes: z.number().min(0).max(43_200).default(60),
});

/** As configured, with its defaults. */
export type NotifyRule = z.output<typeof rule>;

/** The rules, the first that names a channel counts for it; without any, everything goes to every channel. */
export const notifyRules = z.array(rule, "must be a list of rules").max(100, "is too long");

const action = z.strictObject({
  name,
  enabled: z.boolean().default(true),
  /** A cron expression; the action's own unless told. */
  schedule: z.string().min(1).max(200).optional(),
  timeZone: timeZone.optional(),
  /** Outside of these hours it does not run. */
  activeHours: hours.optional(),
  /** The action's own options. */
  config: z.record(z.string(), z.unknown()).default({}),
});

/** The heartbeat actions. All that there are run by their own schedules, but for what is said here. */
export const heartbeat = z.strictObject({
  enabled: z.boolean().default(true),
  actions: z.array(action, "must be a list of actions").max(200, "is too long").default([]).refine(
    (actions) => new Set(actions.map(({ name }) => name)).size === actions.length,
    "must name each action once",
  ),
  /** After so many failures in a row people are told. */
  tellAfterFailures: z.int().min(1).max(100).default(3),
});

/** As configured, with its defaults. */
export type HeartbeatSettings = z.output<typeof heartbeat>;
