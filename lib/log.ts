/**
 * Logging: one way to get a logger, one place where records are written. Every record passes the redaction once,
 * before any sink sees it.
 */
import {
  configureSync,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  resetSync,
  type Sink,
} from "@logtape/logtape";
import { formatJson, formatText, redactRecord } from "./log/format.ts";
import { type Redactor, redactor } from "./log/redaction.ts";
import type { Task } from "./task/task.ts";

export { databaseLogSink, type LogRow } from "./log/database.ts";
export type { Logger, LogLevel } from "@logtape/logtape";

/** The logger of one part of the program, e.g. `logger("queue", "poller")`. */
export function logger(...category: string[]): Logger {
  return getLogger(["actp", ...category]);
}

/** A logger whose records name the task they are about. */
export function taskLogger(task: Pick<Task, "id" | "type" | "attempt">): Logger {
  return logger("task").with({ taskId: task.id, taskType: task.type, attempt: task.attempt });
}

/** Where log lines go. */
export interface LogStream {
  write(line: string): void;
  isTerminal(): boolean;
}

/** A sink for redacted records; disposed with the logging if it can be. */
export type LogSink = Sink & Partial<AsyncDisposable>;

/** What to log and where to. */
export interface LoggingOptions {
  readonly level: LogLevel;
  /** `auto`: text where the stream is a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "text" | "json";
  /** Asked for every record, so it may grow; must be cheap. */
  readonly secrets: () => readonly string[];
  /** Standard error unless told. */
  readonly stream?: LogStream;
  /** Colours in text; by default on a terminal unless NO_COLOR is set. */
  readonly color?: boolean;
  readonly extraSinks?: readonly LogSink[];
}

/** The running logging. */
export interface Logging {
  /** Never lets these values through from now on. */
  addSecrets(...secrets: string[]): void;
  /** Sends redacted records to one more sink; the answer takes it off again and disposes it. */
  addSink(sink: LogSink): () => Promise<void>;
  /** Changes the level while running. */
  setLevel(level: LogLevel): void;
  /** Ends the logging: disposes the sinks, after which records go nowhere. */
  dispose(): Promise<void>;
}

/** Starts the logging of the whole program, in place of an earlier one. */
export function setUpLogging(options: LoggingOptions): Logging {
  const added: string[] = [];
  const extra = new Set<LogSink>(options.extraSinks);
  const clean = cleaner(() => [...options.secrets(), ...added]);
  const write = lineSink(options);
  const sinks = {
    lines: (record: LogRecord) => write(clean(record)),
    extra: (record: LogRecord) => fanOut(extra, clean(record)),
  };
  const apply = (level: LogLevel) =>
    configureSync({
      reset: true,
      sinks,
      loggers: [
        { category: [], sinks: ["lines", "extra"], lowestLevel: level },
        { category: ["logtape", "meta"], sinks: ["lines"], parentSinks: "override", lowestLevel: "error" },
      ],
    });
  const remove = async (sink: LogSink) => {
    if (extra.delete(sink)) await sink[Symbol.asyncDispose]?.();
  };
  apply(options.level);
  return {
    addSecrets: (...secrets) => void added.push(...secrets),
    addSink(sink) {
      extra.add(sink);
      return () => remove(sink);
    },
    setLevel: apply,
    async dispose() {
      try {
        await Promise.all([...extra].map(remove));
      } finally {
        resetSync();
      }
    },
  };
}

/** Redacts each record once for all sinks; prepares the redaction anew only when the secrets change. */
function cleaner(secrets: () => readonly string[]): (record: LogRecord) => LogRecord {
  const seen = new WeakMap<LogRecord, LogRecord>();
  let prepared: { readonly for: readonly string[]; readonly redactor: Redactor } | undefined;
  return (record) => {
    const known = seen.get(record);
    if (known) return known;
    const now = secrets();
    if (prepared?.for.length !== now.length || prepared.for.some((secret, i) => secret !== now[i])) {
      prepared = { for: [...now], redactor: redactor(now) };
    }
    const clean = redactRecord(record, prepared.redactor);
    seen.set(record, clean);
    return clean;
  };
}

function lineSink({ stream = stderrStream, format, color }: LoggingOptions): Sink {
  const asText = format === "text" || (format === "auto" && stream.isTerminal());
  const colored = color ?? (stream.isTerminal() && !Deno.noColor);
  return (record) => stream.write(asText ? formatText(record, colored) : formatJson(record));
}

/** One broken sink must not keep a record from the others; LogTape reports what is thrown. */
function fanOut(sinks: ReadonlySet<Sink>, record: LogRecord): void {
  const errors: unknown[] = [];
  for (const sink of sinks) {
    try {
      sink(record);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, "A log sink failed");
}

/** Written synchronously, so that the last line before a crash is there. */
const stderrStream: LogStream = {
  isTerminal: () => Deno.stderr.isTerminal(),
  write(line) {
    let bytes: Uint8Array = new TextEncoder().encode(line);
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  },
};
