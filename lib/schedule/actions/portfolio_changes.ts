/** What of the portfolio people should hear: each concern once, again when it worsens, and when it is over. Pure. */
import type { Severity } from "../../notify/notification.ts";
import { spanText } from "./span.ts";

/** One thing that needs attention, as `actp_portfolio` tells of it. */
export interface PortfolioItem {
  readonly kind: "deadline" | "lease" | "stuck" | "waiting" | "dispute" | "dead";
  readonly key: string;
  /** ISO 8601; what it means depends on the kind. */
  readonly at: string;
  readonly task_id: string | null;
  readonly task_type: string;
  readonly detail: string | null;
  readonly count: number | null;
}

/** What `actp_portfolio` answers. `truncated`: kinds of which there are more than are listed. */
export interface Portfolio {
  readonly now: string;
  readonly items: readonly PortfolioItem[];
  readonly truncated: readonly string[];
}

/** When things begin to matter, in ms. */
export interface Thresholds {
  readonly deadlineMs: number;
  readonly waitingMs: number;
  readonly deadMs: number;
}

/** What people have been told of a concern. */
export interface Told {
  readonly kind: string;
  readonly level: number;
  readonly what: string;
  readonly at: string;
}

/** How bad a thing is: it is told again when the level rises. */
export interface Concern {
  readonly level: number;
  readonly severity: Severity;
  /** What it is about, which stays the same. */
  readonly what: string;
  /** How it stands. */
  readonly state: string;
}

/** What to say, and what has then been said. */
export interface Changes {
  readonly lines: readonly string[];
  readonly severity: Severity;
  readonly fresh: number;
  readonly resolved: number;
  readonly told: Readonly<Record<string, Told>>;
}

/** Judges one item. */
export function concernOf(item: PortfolioItem, now: number, { deadlineMs, waitingMs }: Thresholds): Concern {
  const task = `Task #${item.task_id} (${item.task_type})`;
  const left = Date.parse(item.at) - now;
  const since = spanText(-left);
  const detail = item.detail ? `: ${item.detail.replace(/\s+/g, " ")}` : "";
  switch (item.kind) {
    case "deadline":
      if (left <= 0) {
        return { level: 3, severity: "alert", what: task, state: `deadline passed ${since} ago` };
      }
      return {
        level: left <= deadlineMs / 4 ? 2 : 1,
        severity: "warning",
        what: task,
        state: `deadline in ${spanText(left)}`,
      };
    case "lease": {
      const holder = item.detail ?? "its worker";
      return left <= 0
        ? { level: 2, severity: "alert", what: task, state: `${holder} stopped answering, the lease ran out` }
        : {
          level: 1,
          severity: "warning",
          what: task,
          state: `${holder} is silent, the lease ends in ${spanText(left)}`,
        };
    }
    case "stuck":
      return { level: 1, severity: "alert", what: task, state: `over its time limit, claimed ${since} ago` };
    case "waiting": {
      const what = `Tasks of type ${item.task_type}`;
      const late = -left >= 8 * waitingMs;
      const state = `${item.count} due and not taken, the oldest for ${since}`;
      return { level: late ? 2 : 1, severity: late ? "alert" : "warning", what, state };
    }
    case "dispute": {
      const what = `Dispute about task #${item.task_id} (${item.task_type})`;
      if (left <= 0) {
        return { level: 3, severity: "alert", what, state: `votes are over, it needs a resolution${detail}` };
      }
      const state = `open, votes count for ${spanText(left)} more${detail}`;
      return { level: left <= deadlineMs ? 2 : 1, severity: "warning", what, state };
    }
    case "dead":
      return { level: 1, severity: "warning", what: task, state: `failed for good${detail}` };
  }
}

/** Compares what there is with what has been told. */
export function portfolioChanges(
  { now: nowText, items, truncated }: Portfolio,
  known: Readonly<Record<string, Told>>,
  thresholds: Thresholds,
): Changes {
  const now = Date.parse(nowText);
  const told: Record<string, Told> = {};
  const fresh: { line: string; concern: Concern }[] = [];
  for (const item of items) {
    const concern = concernOf(item, now, thresholds);
    const before = known[item.key];
    const level = Math.max(concern.level, before?.level ?? 0);
    told[item.key] = { kind: item.kind, level, what: concern.what, at: item.at };
    if (concern.level > (before?.level ?? 0)) {
      fresh.push({ line: `Alert: ${concern.what} ${concern.state}`, concern });
    }
  }
  const resolved: string[] = [];
  for (const [key, before] of Object.entries(known)) {
    if (key in told) continue;
    // It may only be beyond what is listed.
    if (truncated.includes(before.kind)) told[key] = before;
    else if (!isForgotten(before, now, thresholds)) {
      resolved.push(`Resolved: ${before.what} ${OVER[before.kind] ?? ""}`.trim());
    }
  }
  fresh.sort((a, b) => b.concern.level - a.concern.level);
  const severities = fresh.map(({ concern }) => concern.severity);
  return {
    lines: [...fresh.map(({ line }) => line), ...resolved],
    severity: severities.includes("alert") ? "alert" : severities.includes("warning") ? "warning" : "info",
    fresh: fresh.length,
    resolved: resolved.length,
    told,
  };
}

const OVER: Readonly<Record<string, string>> = {
  deadline: "is done, or its deadline was moved",
  lease: "is answered for again",
  stuck: "is no longer over its time limit",
  waiting: "are taken again",
  dispute: "is over",
  dead: "was put back or taken away",
};

/** A failure that is only too old to be listed is not mended. */
function isForgotten({ kind, at }: Told, now: number, { deadMs }: Thresholds): boolean {
  return kind === "dead" && now - Date.parse(at) >= deadMs;
}
