/**
 * Sends events to everybody who reads: each is put into its form once, kept for those who come again, and goes out in
 * batches, so that hundreds of readers cost little. Never waits for a reader. At rest, without readers, it does nothing.
 */
import type { Clock } from "../../clock.ts";
import { ApiError } from "../api_error.ts";
import { type ControlEvent, eventFrame, joined, KEEP_ALIVE, OPENING, parseEventId } from "./event.ts";
import { Reader } from "./reader.ts";

/** What the events are sent with. */
export interface BroadcastOptions {
  readonly clock: Clock;
  /** How things stand, for who has not read before. */
  readonly snapshot: () => Promise<unknown>;
  /** Runs while somebody reads and {@link GRACE_MS} after, until the signal aborts. Must not throw. */
  readonly whileRead: (signal: AbortSignal) => Promise<void>;
}

/** How many events are kept for those who come again. */
export const RING_SIZE = 1000;
/** So many may read at once. */
export const MOST_READERS = 500;
/** How long everything goes on without a reader, so that one who comes again misses nothing, in ms. */
export const GRACE_MS = 30_000;
const KEEP_ALIVE_MS = 15_000;
/** Events within this time go out together, in ms: too short for the eye, and a tenth of the work. */
export const BATCH_MS = 100;
/** Readers that come within this time get the same snapshot, in ms; what happened since is sent after it. */
const SNAPSHOT_MS = 1000;

interface Snapshot {
  readonly at: number;
  /** The number of the last event that is in it. */
  readonly n: number;
  readonly bytes: Uint8Array;
}

/** What lasts from the first reader until some time after the last. */
interface Watch {
  readonly epoch: string;
  readonly over: AbortController;
  readonly ended: Promise<unknown>;
}

/** See above. */
export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #readers = new Map<Reader, () => boolean>();
  /** Those that have been opened and wait for a snapshot. */
  readonly #waiting = new Set<Reader>();
  #watch: Watch | undefined;
  #ring: Uint8Array[] = [];
  /** The number of the newest event. */
  #n = 0;
  #pending: Uint8Array[] = [];
  #flushedAt = -Infinity;
  #snapshot: Snapshot | undefined;
  #making: Promise<Snapshot> | undefined;
  #grace: AbortController | undefined;
  #closed = false;

  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** Whether anybody reads, or did a moment ago. */
  get active(): boolean {
    return this.#watch !== undefined;
  }

  /** How many read now. */
  get readers(): number {
    return this.#readers.size + this.#waiting.size;
  }

  /** Tells everybody who reads; nobody does: nothing happens. */
  publish({ type, data }: ControlEvent): void {
    if (!this.#watch) return;
    const frame = eventFrame(`${this.#watch.epoch}-${++this.#n}`, type, data);
    this.#ring.push(frame);
    if (this.#ring.length > RING_SIZE) this.#ring.shift();
    this.#pending.push(frame);
    if (this.#pending.length === 1) this.#flushSoon();
  }

  /**
   * A stream of what happens: from where `lastEventId` says that the reader was, or a snapshot first. Ends when
   * `stillHolds` says so, which is asked every 15 seconds.
   * @throws {@link ApiError} 503 when too many read
   */
  read(lastEventId: string | undefined, stillHolds: () => boolean = () => true): ReadableStream<Uint8Array> {
    if (this.#closed || this.readers >= MOST_READERS) {
      throw new ApiError(503, "too_many_streams", `At most ${MOST_READERS} streams are served at once`);
    }
    const watch = this.#begin();
    const reader = new Reader(() => this.#left(reader));
    reader.begin(OPENING);
    const missed = this.#missed(lastEventId, watch);
    this.#waiting.add(reader);
    if (missed) this.#join(reader, missed, stillHolds);
    else void this.#welcome(reader, watch, stillHolds);
    return reader.stream;
  }

  /** Ends all streams and whatever goes on for them; waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const reader of [...this.#readers.keys(), ...this.#waiting]) reader.close();
    const watch = this.#watch;
    this.#end();
    await watch?.ended;
  }

  #begin(): Watch {
    this.#grace?.abort();
    this.#grace = undefined;
    if (this.#watch) return this.#watch;
    const over = new AbortController();
    const { whileRead } = this.#options;
    const epoch = crypto.randomUUID().slice(0, 8);
    const ended = Promise.all([whileRead(over.signal), this.#keepAlive(over.signal)]);
    return this.#watch = { epoch, over, ended };
  }

  /** What the reader has missed; undefined where that is not known any more. */
  #missed(lastEventId: string | undefined, { epoch }: Watch): Uint8Array | undefined {
    const last = parseEventId(lastEventId);
    if (last?.epoch !== epoch) return undefined;
    return this.#since(last.n);
  }

  /** The events after this one; undefined where some of them are not kept any more. */
  #since(n: number): Uint8Array | undefined {
    const missed = this.#n - n;
    if (missed < 0 || missed > this.#ring.length) return undefined;
    return missed === 0 ? new Uint8Array() : joined(this.#ring.slice(-missed));
  }

  async #welcome(reader: Reader, watch: Watch, stillHolds: () => boolean): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const snapshot = await this.#recentSnapshot(watch);
      if (this.#watch !== watch || !this.#waiting.has(reader)) return reader.close();
      const since = this.#since(snapshot.n);
      if (since) return this.#join(reader, joined([snapshot.bytes, since]), stillHolds);
      this.#snapshot = undefined;
    }
    reader.close(new Error("more happens than can be told"));
  }

  #join(reader: Reader, beginning: Uint8Array, stillHolds: () => boolean): void {
    if (!this.#waiting.delete(reader)) return;
    this.#flush(); // what waits is in the beginning already
    if (beginning.length > 0) reader.begin(beginning);
    this.#readers.set(reader, stillHolds);
  }

  async #recentSnapshot(watch: Watch): Promise<Snapshot> {
    const known = this.#snapshot;
    if (known && this.#options.clock.monotonic() - known.at < SNAPSHOT_MS && this.#since(known.n)) {
      return known;
    }
    return await (this.#making ??= this.#makeSnapshot(watch).finally(() => this.#making = undefined));
  }

  async #makeSnapshot({ epoch }: Watch): Promise<Snapshot> {
    // Before it is made: what happens meanwhile is told again, which does no harm.
    const n = this.#n;
    const bytes = eventFrame(`${epoch}-${n}`, "snapshot", await this.#options.snapshot());
    return this.#snapshot = { at: this.#options.clock.monotonic(), n, bytes };
  }

  #flushSoon(): void {
    const { clock } = this.#options;
    const rest = this.#flushedAt + BATCH_MS - clock.monotonic();
    void clock.sleep(Math.max(0, rest), this.#watch?.over.signal).then(() => this.#flush());
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const batch = { bytes: joined(this.#pending), events: this.#pending.length };
    this.#pending = [];
    this.#flushedAt = this.#options.clock.monotonic();
    for (const reader of this.#readers.keys()) reader.push(batch);
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(KEEP_ALIVE_MS, signal);
      for (const [reader, stillHolds] of this.#readers) {
        if (stillHolds()) reader.push({ bytes: KEEP_ALIVE, events: 0 });
        else reader.close();
      }
    }
  }

  #left(reader: Reader): void {
    this.#readers.delete(reader);
    this.#waiting.delete(reader);
    if (this.readers > 0 || !this.#watch || this.#closed) return;
    const grace = this.#grace = new AbortController();
    void this.#options.clock.sleep(GRACE_MS, AbortSignal.any([grace.signal, this.#watch.over.signal])).then(
      () => {
        if (!grace.signal.aborted) this.#end();
      },
    );
  }

  #end(): void {
    this.#watch?.over.abort();
    this.#watch = undefined;
    this.#grace?.abort();
    this.#grace = undefined;
    this.#ring = [];
    this.#pending = [];
    this.#snapshot = undefined;
    this.#n = 0;
  }
}
