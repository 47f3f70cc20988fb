/** What the program logs while a test runs. */
import { type LogLevel, setUpLogging } from "../log.ts";

/** One record as text and fields. */
export interface CapturedRecord {
  readonly level: LogLevel;
  /** Without "actp", joined by dots. */
  readonly category: string;
  readonly message: string;
  readonly properties: Record<string, unknown>;
}

/** `await using log = capturedLog();` takes the place of the program's logging until it is disposed. */
export interface CapturedLog extends AsyncDisposable {
  readonly records: readonly CapturedRecord[];
  /** The messages of one category (of all unless told), oldest first. */
  messages(category?: string): string[];
}

/** Begins to capture everything from debug on. */
export function capturedLog(): CapturedLog {
  const records: CapturedRecord[] = [];
  const logging = setUpLogging({
    level: "debug",
    format: "json",
    secrets: () => [],
    stream: { write() {}, isTerminal: () => false },
    extraSinks: [(record) =>
      void records.push({
        level: record.level,
        category: record.category.slice(1).join("."),
        message: record.message.join(""),
        properties: record.properties,
      })],
  });
  return {
    records,
    messages: (category) =>
      records.filter((record) => category === undefined || record.category === category)
        .map((record) => record.message),
    [Symbol.asyncDispose]: () => logging.dispose(),
  };
}
