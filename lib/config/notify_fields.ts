/** The part of the table of configuration fields that is about telling people, and about heartbeat actions. */
import { join } from "node:path";
import { z } from "zod";
import { field } from "./field.ts";
import { heartbeat, hours, notifyRules, timeZone } from "./notify_rules.ts";
import { flag, isLoopback, serviceUrl, text, words } from "./schemas.ts";

const webUrl = (protocols: readonly string[], message: string) =>
  text.refine((value) => {
    const url = URL.parse(value);
    return url !== null && protocols.includes(url.protocol) && !url.username && !url.password;
  }, message);
/** Whoever knows such an address may post, so it must not go over the network in the clear. */
const secretUrl = text.refine((value) => {
  const url = URL.parse(value);
  if (!url || url.username || url.password) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}, "must be an https:// address");
const address = z.string("must be an e-mail address").regex(
  /^[^\s@<>,]{1,64}@[^\s@<>,]{1,255}$/,
  "must be an e-mail address",
);

export const NOTIFY_FIELDS = {
  telegramApiUrl: field({
    env: ["TELEGRAM_API_URL"],
    schema: serviceUrl,
    default: "https://api.telegram.org",
    description: "Telegram's Bot API, or a server of your own that speaks it.",
    restartNeeded: true,
  }),
  slackWebhookUrl: field({
    env: ["SLACK_WEBHOOK_URL"],
    schema: secretUrl.optional(),
    default: undefined,
    description: "The Slack incoming webhook that notifications go to.",
    secret: true,
    restartNeeded: true,
  }),
  discordWebhookUrl: field({
    env: ["DISCORD_WEBHOOK_URL"],
    schema: secretUrl.optional(),
    default: undefined,
    description: "The Discord webhook that notifications go to.",
    secret: true,
    restartNeeded: true,
  }),
  notifyWebhookUrl: field({
    env: ["NOTIFY_WEBHOOK_URL"],
    schema: webUrl(["http:", "https:"], "must be an http:// or https:// address without a user").optional(),
    default: undefined,
    description: "A webhook of your own that notifications are posted to, signed.",
    secret: true,
    restartNeeded: true,
  }),
  notifyWebhookSecret: field({
    env: ["NOTIFY_WEBHOOK_SECRET"],
    schema: text.refine((value) => value.length >= 16, "must be at least 16 characters long").optional(),
    default: undefined,
    description:
      "Signs what is posted to NOTIFY_WEBHOOK_URL (Standard Webhooks; `whsec_` and base64, or any text).",
    secret: true,
    restartNeeded: true,
  }),
  notifyAllowPrivateUrls: field({
    env: ["NOTIFY_ALLOW_PRIVATE_URLS"],
    schema: flag,
    default: false,
    description: "Whether NOTIFY_WEBHOOK_URL may lead to a private address or this machine.",
    restartNeeded: true,
  }),
  smtpUrl: field({
    env: ["SMTP_URL"],
    schema: text.refine(
      (value) => ["smtp:", "smtps:"].includes(URL.parse(value)?.protocol ?? "") && URL.parse(value)?.hostname,
      "must be a URL like smtps://user:password@host or smtp://user:password@host:587 (special characters percent-encoded)",
    ).optional(),
    default: undefined,
    description: "The mail server for notifications; smtp:// demands STARTTLS except on this machine.",
    secret: true,
    restartNeeded: true,
  }),
  notifyEmailFrom: field({
    env: ["NOTIFY_EMAIL_FROM"],
    schema: address.optional(),
    default: undefined,
    description: "The sender of notifications by e-mail.",
    restartNeeded: true,
  }),
  notifyEmailTo: field({
    env: ["NOTIFY_EMAIL_TO"],
    schema: words.pipe(z.array(address).max(50)),
    default: [],
    description: "Who gets notifications by e-mail; `,` between them.",
    restartNeeded: true,
  }),
  notifyDesktop: field({
    env: ["NOTIFY_DESKTOP"],
    schema: flag,
    default: false,
    description: "Whether this machine's desktop shows notifications (macOS, or notify-send on Linux).",
    restartNeeded: true,
  }),
  notifyQuietHours: field({
    env: ["NOTIFY_QUIET_HOURS"],
    schema: hours.optional(),
    default: undefined,
    description: "Hours like 22:00-07:00 in which only alerts are sent; the rest follows at their end.",
    restartNeeded: true,
  }),
  notifyTimeZone: field({
    env: ["NOTIFY_TIME_ZONE"],
    schema: timeZone.optional(),
    default: undefined,
    description: "The time zone of quiet and active hours; the machine's unless set.",
    restartNeeded: true,
  }),
  notifyRules: field({
    env: [],
    schema: notifyRules,
    default: [],
    description:
      "Which notifications go to which channels; a list, only in config.json. Without it all go to all.",
    restartNeeded: true,
  }),
  heartbeat: field({
    env: [],
    schema: heartbeat,
    default: { enabled: true, actions: [], tellAfterFailures: 3 },
    description: "The heartbeat actions: which run, when, and with which options; only in config.json.",
  }),
  actionsDir: field({
    env: ["ACTIONS_DIR"],
    schema: text,
    default: ({ home }) => join(home, "actions"),
    description: "The folder of your own heartbeat actions.",
    restartNeeded: true,
    path: "folder",
  }),
};
