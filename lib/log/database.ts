/** Log records as rows of the table actp_worker_logs, in batches, without ever slowing or stopping the work. */
import { compareLogLevel, getLogger, type LogLevel, type LogRecord, type Sink } from "@logtape/logtape";
import { backoffDelay } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";

/** One row of actp_worker_logs; the writer adds the worker's id. */
export interface LogRow {
  readonly level: LogLevel;
  /** The logger's category, joined by dots. */
  readonly service: string;
  readonly job_id: string | null;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** ISO 8601, UTC. */
  readonly created_at: string;
}

/** Bounds of a database log sink. */
export interface DatabaseLogOptions {
  readonly clock?: Clock;
  /** Rows per write; 100 unless told. */
  readonly maxBatch?: number;
  /** How long a row waits for company, in ms; 2,000 unless told. */
  readonly flushMs?: number;
  /** Rows kept while the database cannot take them; the oldest go first. 1,000 unless told. */
  readonly maxQueued?: number;
  /** `info` unless told. */
  readonly minLevel?: LogLevel;
}

/** A sink that can be emptied. Disposing tries once more to write what is left, for 2 s at most. */
export interface DatabaseLogSink extends Sink, AsyncDisposable {
  /** Writes what is queued now; gives up (and keeps the rows) at the first failure. */
  flush(): Promise<void>;
}

const OWN_CATEGORY = ["actp", "log", "database"] as const;
const MAX_BACKOFF_MS = 60_000;
const MAX_DISPOSE_MS = 2_000;

/**
 * Batches records for `write`, which must reject when it fails and come back within bounded time. Give it to
 * `Logging.addSink`, which hands over redacted records. An outage of the database is told once when it begins and
 * once when it ends, on a category that this sink itself ignores.
 */
export function databaseLogSink(
  write: (rows: readonly LogRow[]) => Promise<void>,
  options: DatabaseLogOptions = {},
): DatabaseLogSink {
  const { clock = systemClock, maxBatch = 100, flushMs = 2_000, maxQueued = 1_000, minLevel = "info" } =
    options;
  const log = getLogger(OWN_CATEGORY);
  const queue: LogRow[] = [];
  let dropped = 0;
  let failures = 0;
  let outageSince = 0;
  let hurry = false;
  let closed = false;
  let wake = new AbortController();
  let pumping: Promise<void> | undefined;

  const sink = (record: LogRecord) => {
    const tooLow = compareLogLevel(record.level, minLevel) < 0;
    if (closed || tooLow || OWN_CATEGORY.every((name, i) => record.category[i] === name)) return;
    queue.push(logRow(record));
    dropOldest();
    if (failures === 0 && queue.length >= maxBatch) wake.abort();
    start();
  };

  function start() {
    if (queue.length > 0 && !closed) pumping ??= pump();
  }

  /** The only writer; runs while there are rows, waiting for company or for the database to recover. */
  async function pump() {
    while (queue.length > 0 && !closed) {
      const full = failures === 0 && queue.length >= maxBatch;
      if (!hurry && !full) await clock.sleep(pause(), wake.signal);
      wake = new AbortController();
      const written = await writeBatch();
      if (hurry && !written) break;
    }
    pumping = undefined;
  }

  function pause() {
    return failures === 0 ? flushMs : backoffDelay(failures, { firstMs: flushMs, maxMs: MAX_BACKOFF_MS });
  }

  async function writeBatch(): Promise<boolean> {
    const reported = dropped;
    const rows = queue.splice(0, maxBatch);
    try {
      await write(reported > 0 ? [droppedRow(reported, clock.now()), ...rows] : rows);
    } catch (error) {
      queue.unshift(...rows);
      dropOldest();
      if (failures++ === 0) {
        outageSince = clock.monotonic();
        log.warning("Log rows cannot reach the database and are kept for now.", { error, maxQueued });
      }
      return false;
    }
    dropped -= reported;
    if (failures > 0) {
      const outageMs = Math.round(clock.monotonic() - outageSince);
      log.warning("Log rows reach the database again.", { outageMs, failures });
    }
    failures = 0;
    return true;
  }

  function dropOldest() {
    const excess = Math.max(0, queue.length - maxQueued);
    queue.splice(0, excess);
    dropped += excess;
  }

  async function flush() {
    hurry = true;
    wake.abort();
    start();
    await pumping;
    hurry = false;
    start();
  }

  return Object.assign(sink, {
    flush,
    async [Symbol.asyncDispose]() {
      if (closed) return;
      const enough = new AbortController();
      await Promise.race([flush(), clock.sleep(MAX_DISPOSE_MS, enough.signal)]);
      enough.abort();
      closed = true;
      wake.abort();
      const lost = queue.length + dropped;
      if (lost > 0) log.warning("{lost} log rows were not written to the database before the end.", { lost });
    },
  });
}

function logRow({ level, category, message, properties, timestamp }: LogRecord): LogRow {
  const { taskId, ...details } = properties;
  return {
    level,
    service: category.join("."),
    job_id: taskId === undefined ? null : String(taskId),
    message: message.map((part) => typeof part === "string" ? part : JSON.stringify(part) ?? "").join(""),
    details,
    created_at: new Date(timestamp).toISOString(),
  };
}

function droppedRow(count: number, now: number): LogRow {
  return {
    level: "warning",
    service: OWN_CATEGORY.join("."),
    job_id: null,
    message: `${count} earlier log rows were dropped: the queue was full`,
    details: { dropped: count },
    created_at: new Date(now).toISOString(),
  };
}
