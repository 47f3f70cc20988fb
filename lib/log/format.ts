/** One log record as one line: for eyes, or as JSON. Pure. */
import type { LogLevel, LogRecord } from "@logtape/logtape";
import { isSensitiveName, REDACTED, type Redactor } from "./redaction.ts";

/** A copy of the record without secrets: its message is one string and its properties are fit for JSON. */
export function redactRecord(record: LogRecord, { text, value }: Redactor): LogRecord {
  const hidden = new Set(
    Object.entries(record.properties).filter(([key, v]) => isSensitiveName(key) && typeof v !== "boolean")
      .map(([, v]) => v),
  );
  const shown = (part: unknown) => {
    if (typeof part === "string") return part;
    return part instanceof Error ? part.message : JSON.stringify(value(part)) ?? "undefined";
  };
  const message = text(
    record.message.map((part, i) => i % 2 === 1 && hidden.has(part) ? REDACTED : shown(part)).join(""),
  );
  return {
    category: record.category,
    level: record.level,
    timestamp: record.timestamp,
    message: [message],
    // A template that was glued together from strings may itself hold a secret.
    rawMessage: typeof record.rawMessage === "string" ? text(record.rawMessage) : message,
    properties: value(record.properties) as Record<string, unknown>,
  };
}

/** `{"time","level","category","message",…fields}` and a line feed; a field of one of those names gets a `field_` prefix. */
export function formatJson(record: LogRecord): string {
  const own = {
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    category: record.category.join("."),
    message: record.message.join(""),
  };
  const fields = Object.entries(record.properties).map(([key, value]) =>
    [Object.hasOwn(own, key) ? `field_${key}` : key, value] as const
  );
  return JSON.stringify({ ...own, ...Object.fromEntries(fields) }) + "\n";
}

const COLORS: Readonly<Record<LogLevel, number>> = {
  trace: 90,
  debug: 90,
  info: 32,
  warning: 33,
  error: 31,
  fatal: 35,
};

/** `time LEVEL category  message  key=value …` and a line feed; fields that the message already shows are left out. */
export function formatText(record: LogRecord, color: boolean): string {
  const level = record.level.toUpperCase().padEnd(7);
  const template = String(record.rawMessage);
  const fields = Object.entries(record.properties)
    .filter(([key, value]) => value !== undefined && !template.includes(`{${key}}`) && template !== "{*}")
    .filter(([key]) => !template.includes(`{${key}.`))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const parts = [
    new Date(record.timestamp).toISOString(),
    color ? `\x1b[${COLORS[record.level]}m${level}\x1b[0m` : level,
    record.category.join(".").replace(/^actp\./, ""),
    " " + oneLine(record.message.join("")),
    ...(fields.length > 0 ? [" " + oneLine(fields.join(" "))] : []),
  ];
  return parts.join(" ") + "\n";
}

function fieldText(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (isErrorFields(value)) return JSON.stringify(errorLine(value));
  return JSON.stringify(value) ?? "undefined";
}

interface ErrorFields {
  readonly name: string;
  readonly message: string;
  readonly cause?: unknown;
}

function isErrorFields(value: unknown): value is ErrorFields {
  return typeof value === "object" && value !== null && "stack" in value && "message" in value &&
    "name" in value;
}

/** The stack is for the JSON form; a person reads what failed and why. */
function errorLine({ name, message, cause }: ErrorFields): string {
  const line = `${name}: ${message}`;
  return isErrorFields(cause) ? `${line} (because of ${errorLine(cause)})` : line;
}

/** Keeps a record on its line: control and direction characters cannot forge lines or steer the terminal. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- these are the characters that must not get through
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0);
    return character === "\n" ? "\\n" : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
