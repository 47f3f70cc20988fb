/** Which channels a notification goes to, and when. Pure. */
import type { ChannelName, NotifyRule } from "../config/notify_rules.ts";
import { endOf, parseHours } from "../hours.ts";
import { type Notification, SEVERITIES, type Severity } from "./notification.ts";

/** What the configuration says of routing. */
export interface RoutingSettings {
  readonly notifyRules: readonly NotifyRule[];
  readonly notifyQuietHours?: string;
  /** The machine's unless set. */
  readonly notifyTimeZone?: string;
}

/** One channel that a notification goes to. */
export interface Delivery {
  readonly channel: ChannelName;
  /** From now, in seconds. */
  readonly delaySeconds: number;
  /** The same key within this time is not sent again. */
  readonly dedupeSeconds: number;
}

type Rule = Omit<NotifyRule, "channels">;

const EVERYTHING: Rule = {
  kinds: ["*"],
  minSeverity: "info",
  digestMinutes: 0,
  dedupeMinutes: 60,
};

/** The deliveries; none where no rule wants it or no channel is there. @param now ms since the epoch */
export function route(
  notification: Pick<Notification, "kind" | "severity">,
  settings: RoutingSettings,
  channels: readonly ChannelName[],
  now: number,
): Delivery[] {
  const all: readonly (Rule & { readonly channels: readonly ChannelName[] })[] = [{
    ...EVERYTHING,
    channels,
  }];
  const rules = settings.notifyRules.length > 0 ? settings.notifyRules : all;
  const deliveries = new Map<ChannelName, Delivery>();
  for (const rule of rules) {
    if (!wants(rule, notification)) continue;
    for (const channel of rule.channels) {
      if (!channels.includes(channel) || deliveries.has(channel)) continue;
      const due = channel === "log" ? now : dueAt(rule, notification.severity, settings, now);
      deliveries.set(channel, {
        channel,
        delaySeconds: (due - now) / 1000,
        dedupeSeconds: rule.dedupeMinutes * 60,
      });
    }
  }
  return [...deliveries.values()];
}

/** Whether `severity` is `least` or more urgent. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

function wants(
  { kinds, minSeverity }: Rule,
  { kind, severity }: Pick<Notification, "kind" | "severity">,
) {
  const matches = (pattern: string) =>
    pattern.endsWith("*") ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern;
  return isAtLeast(severity, minSeverity) && kinds.some(matches);
}

/** What is urgent is sent now; the rest not in quiet hours, and with others at the digest's next time. */
function dueAt(rule: Rule, severity: Severity, settings: RoutingSettings, now: number): number {
  if (isAtLeast(severity, rule.breakThrough ?? "alert")) return now;
  const text = rule.quietHours ?? settings.notifyQuietHours;
  const afterQuiet = (at: number) =>
    text === undefined ? at : endOf(parseHours(text), at, settings.notifyTimeZone);
  const digestMs = rule.digestMinutes * 60_000;
  const due = afterQuiet(now);
  return digestMs === 0 ? due : afterQuiet(Math.ceil(due / digestMs) * digestMs);
}
