/** What a notification may hold, whoever raises it: bounded, without secrets, and fit for a database. Pure. */
import type { Redactor } from "../log/redaction.ts";
import type { Notification } from "./notification.ts";

const MAX_TITLE = 200;
const MAX_TEXT = 16_000;
const MAX_DATA_BYTES = 16_000;
const MAX_KEY = 300;

/** A copy that may leave the worker: a title in one line, a bounded text, bounded data. */
export function bounded(given: Notification, clean: Redactor): Notification {
  const line = (text: string, max: number) => cut(clean.text(tidy(text)).replace(/\s+/g, " ").trim(), max);
  const { kind, severity, title, text, dedupeKey, data } = given;
  return {
    kind: line(kind, 100) || "unknown",
    severity,
    title: line(title, MAX_TITLE) || line(kind, MAX_TITLE) || "Notification",
    text: cut(clean.text(tidy(text)).trim(), MAX_TEXT),
    ...dedupeKey === undefined ? {} : { dedupeKey: line(dedupeKey, MAX_KEY) },
    ...data === undefined ? {} : { data: boundedData(data, clean) },
  };
}

/** At most `max` UTF-16 units, without half a character at the end. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const kept = text.slice(0, max - 1);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

/** Without control characters, but for line ends and tabs, and without half characters. */
function tidy(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.toWellFormed().replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]+/g, " ");
}

function boundedData(data: Readonly<Record<string, unknown>>, clean: Redactor): Record<string, unknown> {
  const json = JSON.stringify(
    clean.value(data),
    (_, value) => typeof value === "string" ? tidy(value) : value,
  );
  return json.length > MAX_DATA_BYTES ? { left_out: `more than ${MAX_DATA_BYTES} bytes` } : JSON.parse(json);
}
