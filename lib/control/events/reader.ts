/** One who reads the events: a queue of bounded length. Who reads too slowly is cut off, and comes again. */

/** Events that go out together. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly events: number;
}

/** How much may wait for one reader. */
export interface ReaderBounds {
  readonly events: number;
  readonly bytes: number;
}

/** More than a page that keeps up ever has, and little enough for hundreds of them. */
export const READER_BOUNDS: ReaderBounds = { events: 256, bytes: 1_048_576 };

/** See above. */
export class Reader {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #bounds: ReaderBounds;
  readonly #onEnd: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #queue: Batch[] = [];
  #events = 0;
  #bytes = 0;
  #wanted: (() => void) | undefined;
  #ended = false;

  /** `onEnd` is called once, however it ends. */
  constructor(onEnd: () => void, bounds: ReaderBounds = READER_BOUNDS) {
    this.#onEnd = onEnd;
    this.#bounds = bounds;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#end(),
    }, { highWaterMark: 0 });
  }

  /** The beginning: as long as it need be, and not counted. */
  begin(bytes: Uint8Array): void {
    this.#put({ bytes, events: 0 }, 0);
  }

  /** Puts a batch into the queue; false: there is no more room, and the reader has been cut off. */
  push(batch: Batch): boolean {
    if (this.#ended) return false;
    this.#put(batch, batch.bytes.length);
    if (this.#events <= this.#bounds.events && this.#bytes <= this.#bounds.bytes) return true;
    this.close(new Error("the reader is too slow"));
    return false;
  }

  /** Ends the stream, with an error by breaking it off; what waits is dropped. */
  close(error?: Error): void {
    if (this.#ended) return;
    if (error) this.#controller.error(error);
    else this.#controller.close();
    this.#end();
  }

  #put(batch: Batch, counted: number): void {
    if (this.#ended) return;
    if (this.#wanted) return this.#give(batch);
    this.#queue.push(batch);
    this.#events += batch.events;
    this.#bytes += counted;
  }

  #pull(): Promise<void> | void {
    const batch = this.#queue.shift();
    if (batch) {
      this.#events -= batch.events;
      this.#bytes = this.#queue.length === 0 ? 0 : Math.max(0, this.#bytes - batch.bytes.length);
      this.#controller.enqueue(batch.bytes);
      return;
    }
    return new Promise((resolve) => this.#wanted = resolve);
  }

  #give({ bytes }: Batch): void {
    const wanted = this.#wanted!;
    this.#wanted = undefined;
    this.#controller.enqueue(bytes);
    wanted();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#wanted?.();
    this.#wanted = undefined;
    this.#onEnd();
  }
}
